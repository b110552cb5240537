"""Kill -9 while samples come in, and a disk that fills: whatever was acknowledged is told afterwards, once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.monitoring.clients.tsdb.engine import Bounds, Tsdb
from services.monitoring.domain.labels import Matcher

WRITER = """
import sys
from pathlib import Path
from libs.shared.errors import Fault
from services.monitoring.clients.tsdb.engine import Bounds, Tsdb
from services.monitoring.domain.labels import labels_of

folder, limit, now = Path(sys.argv[1]), int(sys.argv[2]), 1_767_225_600_000
if limit:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
store, step = Tsdb(folder, Bounds(1 << 40, 1 << 40, 1000)), 0
while True:
    at = now + step * 1000 + step // 40 * 7_200_000
    readings = [(labels_of({"__name__": "s", "n": str(n), "m": str(step % 7)}), at, step + n / 100) for n in range(50)]
    try:
        assert store.append(readings, at).accepted == 50
    except Fault as fault:
        print(fault.slug, flush=True)
        break
    print(step, flush=True)
    step += 1
    if step % 40 == 0:
        store.tend(at + 7_200_000)
"""


def told(folder: Path) -> dict[int, int]:
    """Samples by step, of a store opened anew."""
    store = Tsdb(folder, Bounds(1 << 40, 1 << 40, 1000))
    found: dict[int, int] = {}
    for series in store.select((Matcher("__name__", "=", "s"),), 0, 1 << 60):
        number = int(dict(series.labels)["n"])
        for value in series.values.tolist():
            step = round(value - number / 100)
            found[step] = found.get(step, 0) + 1
    store.close()
    return found


@pytest.mark.parametrize("lines", [1, 39, 42, 133])
def test_nothing_acknowledged_is_lost_or_doubled_by_a_kill(tmp_path, lines):
    """SIGKILL at any step, in appending or in sealing: each acknowledged batch is there whole, and no other but one."""
    command = [sys.executable, "-c", WRITER, str(tmp_path), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:  # noqa: S603  # our own text
        assert writer.stdout is not None
        said = [next(writer.stdout) for _ in range(lines)]
        writer.kill()
        said += list(writer.stdout)
    acknowledged = [int(line) for line in said if line.endswith("\n")]
    found = told(tmp_path)
    assert acknowledged == list(range(len(acknowledged)))
    assert set(acknowledged) <= found.keys() <= {*acknowledged, len(acknowledged)}
    assert set(found.values()) == {50}


def test_a_disk_that_fills_takes_whole_batches_or_none(tmp_path):
    """A batch that fits in part is cut off again: the writer hears `Busy`, what was taken before is told."""
    command = [sys.executable, "-c", WRITER, str(tmp_path), "9000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own text
    said = done.stdout.split()
    assert said[-1] == "series-log"
    assert len(said) > 3
    assert told(tmp_path) == dict.fromkeys(range(len(said) - 1), 50)
