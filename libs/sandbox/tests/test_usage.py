"""The model of use."""

import itertools

import pytest

from libs.sandbox.nodes.boxes import Box, boxes_on, run_of
from libs.sandbox.nodes.spent import Meter
from libs.sandbox.nodes.text.cadvisor import told
from libs.sandbox.nodes.text.families import family, labels, number
from libs.sandbox.nodes.usage import Bounds, Usage, Wave

BEGIN = 1_800_000_000.0


def test_a_counter_is_the_integral_of_its_rate():
    """What a wave adds up to over small steps is what its rate says there."""
    wave = Wave(0.2, "s")
    for at in range(0, 90_000, 1_777):
        step = wave.total(BEGIN + at, BEGIN + at + 0.5)
        assert step / 0.5 == pytest.approx(wave.rate(BEGIN + at + 0.25), rel=1e-2)


def test_counters_never_fall():
    """CPU, network and disk only grow, at any step."""
    usage = Usage("s", Bounds(0.1, 0.5, 64 << 20, 128 << 20), BEGIN)
    for counter in (usage.cpu_seconds, usage.received_bytes, usage.sent_bytes, usage.written_bytes):
        values = [counter(BEGIN + at * 0.7) for at in range(3000)]
        assert values == sorted(values)
        assert values[0] == 0
        assert values[-1] > 0


@pytest.mark.parametrize("seed", [f"seed-{i}" for i in range(40)])
def test_limits_hold(seed):
    """Whatever the seed: no more CPU than the limit, no more memory than the limit, at any time of the day."""
    usage = Usage(seed, Bounds(0.4, 0.5, 100 << 20, 128 << 20), BEGIN)
    times = [BEGIN + at * 431 for at in range(400)]
    assert max(usage.cpu_rate(at) for at in times) <= 0.5
    assert max(usage.memory_bytes(at) + usage.cache_bytes(at) for at in times) <= 128 << 20
    assert min(usage.memory_bytes(at) for at in times[1:]) > 0


def test_who_asked_for_nothing_uses_a_little():
    """A container without requests uses a few millicores and some megabytes."""
    usage = Usage("s", Bounds(), BEGIN)
    assert 0 < usage.cpu_rate(BEGIN + 500) < 0.05
    assert 1 << 20 < usage.memory_bytes(BEGIN + 500) < 100 << 20


def test_containers_differ():
    """Two containers of one workload don't move together."""
    one, other = (Usage(seed, Bounds(0.1), BEGIN) for seed in "ab")
    assert one.cpu_rate(BEGIN + 100) != other.cpu_rate(BEGIN + 100)


def box(name, started=BEGIN, image="nginx"):
    usage = Usage(f"u/{name}", Bounds(0.2, 0.5, 64 << 20, 128 << 20), started)
    return Box("shop", f"pod-{name}", name, image, f"/kubepods/burstable/podu{name}/{name}", name, usage.bounds, usage)


def test_what_a_node_has_spent_stays_spent():
    """Pods come and go: the node's counters never fall, and grow by what those that run use."""
    meter, seen = Meter("node-1", BEGIN), []
    for second in range(0, 3000, 15):
        boxes = [box(str(n), BEGIN + 300 * n) for n in range(5) if 300 * n <= second < 300 * n + 900]
        spent = meter.spent(boxes, BEGIN + second)
        seen.append((spent.cpu, spent.received, spent.sent, spent.read, spent.written))
    assert all(old <= new for before, after in itertools.pairwise(seen) for old, new in zip(before, after, strict=True))
    idle = Meter("node-1", BEGIN)
    assert seen[-1][0] > idle.spent([], BEGIN + 2985).cpu + 5 * 900 * 0.02


def test_a_node_that_begins_anew_counts_from_zero():
    """After a restart counters begin again, so that a rate over it is no leap."""
    running = [box("a", BEGIN - 86_400)]
    assert Meter("node-1", BEGIN).spent(running, BEGIN + 1).cpu < 3


def test_hostile_names_stay_in_their_label():
    """Quotes, backslashes and line breaks in an image are escaped; nothing of it becomes a sample of its own."""
    text = told([box("a", image='x"} 1\nevil{a="\\')], Meter("node-1", BEGIN).spent([], BEGIN + 9), BEGIN + 9)
    assert not [line for line in text.splitlines() if line.startswith("evil")]
    assert r'image="x\"} 1\nevil{a=\"\\"' in text


def test_families_are_written_whole_or_not_at_all():
    """Help, type, samples; nothing for a family without samples; numbers read back as they were."""
    assert family("a", "gauge", "about", []) == ""
    assert family("a", "gauge", "about", [(labels(b="c"), 1)]) == '# HELP a about\n# TYPE a gauge\na{b="c"} 1\n'
    assert [float(number(value)) for value in (0, 1.5, 1e300, 2**60, 1 / 3)] == [0, 1.5, 1e300, 2.0**60, 1 / 3]


@pytest.mark.parametrize("status", [{"containerStatuses": "x"}, {"containerStatuses": [{"name": 1}]}, "x", ["y"]])
def test_a_pod_that_cannot_be_understood_spoils_nothing(status):
    """Whatever a client wrote as its status: the node tells of the others."""
    running = {"name": "main", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    spec = {"nodeName": "node-1", "containers": [{"name": "main", "resources": {"requests": {"cpu": "lots"}}}]}
    good = {"metadata": {"name": "good", "uid": "g"}, "spec": spec, "status": {"containerStatuses": [running]}}
    bad = {"metadata": {"name": "bad", "uid": "b"}, "spec": spec, "status": status}
    found = boxes_on("node-1", [bad, good])
    assert [box.pod for box in found] == ["good"]
    assert found[0].bounds == Bounds()
    run = run_of(good, "main")
    assert run is not None
    assert run.seed == "g/main/0"
    assert run_of(bad, "main") is None
