"""The model of use."""

import pytest

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
