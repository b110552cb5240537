"""The store of series: what was acknowledged is there, under its own labels, through seals, restarts and torn files."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.shared.errors import Broken, Busy
from services.monitoring.clients.tsdb.engine import GRACE, SPAN, Bounds, Tsdb
from services.monitoring.clients.tsdb.log import Log
from services.monitoring.domain.labels import Labels, Matcher, labels_of
from services.monitoring.domain.sample import Report

NOW = 1_767_225_600_000
DAY = 86_400_000
EVER = 1 << 60
WIDE = Bounds(7 * DAY, 1 << 40, 100_000)


@pytest.fixture
def opened() -> Iterator[Callable[..., Tsdb]]:
    """Opens stores, and closes them all in the end."""
    stores: list[Tsdb] = []

    def open_store(folder: Path, bounds: Bounds = WIDE) -> Tsdb:
        stores.append(Tsdb(folder, bounds))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def named(name: str, **labels: str) -> Labels:
    return labels_of({"__name__": name, **labels})


def everything(store: Tsdb) -> dict[Labels, list[tuple[int, float]]]:
    """All that the store tells, by labels."""
    found = store.select((Matcher("__name__", "!=", ""),), 0, EVER)
    assert len({one.labels for one in found}) == len(found)
    return {one.labels: list(zip(one.times.tolist(), one.values.tolist(), strict=True)) for one in found}


def filled(folder: Path, rounds: int = 200, series: int = 5, start: int = NOW) -> dict[Labels, list[tuple[int, float]]]:
    """A store with some series, a sample each every 15 s; what was written."""
    store, wrote = Tsdb(folder, WIDE), defaultdict(list)
    for step in range(rounds):
        at = start + step * 15_000
        for number in range(series):
            wrote[named("up", node=f"n{number}")].append((at, float(step * 10 + number)))
        store.append([(labels, *samples[-1]) for labels, samples in wrote.items()], at)
    store.close()
    return dict(wrote)


def test_what_was_written_is_told_after_a_restart(tmp_path, opened):
    """All samples, in order, bit by bit, of several windows."""
    wrote = filled(tmp_path, rounds=1000)
    assert everything(opened(tmp_path)) == wrote


def test_a_block_tells_each_series_what_was_its_own(tmp_path, opened):
    """Sealed, forgotten and read again by a process that numbers series otherwise: compared by label."""
    wrote = filled(tmp_path, rounds=600, series=150)
    store = opened(tmp_path)
    store.append([(named("zzz", node="n7"), NOW + 20 * SPAN, 1.0)], NOW + 20 * SPAN)
    store.tend(NOW + 20 * SPAN)
    assert len(list(tmp_path.glob("*.block"))) == 2
    assert len(list(tmp_path.glob("*.log"))) == 1
    wrote[named("zzz", node="n7")] = [(NOW + 20 * SPAN, 1.0)]
    assert everything(store) == wrote
    store.close()
    again = opened(tmp_path)
    again.append([(named("aaa", node="n9"), NOW + 20 * SPAN, 2.0)], NOW + 20 * SPAN)
    assert [
        s.labels for s in again.select((Matcher("node", "=", "n9"), Matcher("__name__", "=", "up")), NOW, EVER)
    ] == [named("up", node="n9")]
    wrote[named("aaa", node="n9")] = [(NOW + 20 * SPAN, 2.0)]
    assert everything(again) == wrote


NAMES = st.sampled_from([named(name, job=job) for name in "abc" for job in ("x", "y")])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(st.tuples(NAMES, st.integers(0, 4 * SPAN), st.floats(allow_nan=False)))),
        st.tuples(st.just("tend"), st.just([])),
        st.tuples(st.just("restart"), st.just([])),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_store_does_what_a_plain_table_does(tmp_path_factory, steps):
    """Whatever is written in whatever order, sealed and opened again: accepted samples are told, others are not."""
    folder = tmp_path_factory.mktemp("series")
    store, now = Tsdb(folder, WIDE), NOW + 4 * SPAN
    kept: dict[Labels, dict[int, float]] = defaultdict(dict)
    sealed: set[int] = set()
    for what, samples in steps:
        if what == "restart":
            store.close()
            store = Tsdb(folder, WIDE)
        if what == "tend":
            now += GRACE + 1
            store.tend(now)
            sealed |= {int(path.stem) for path in folder.glob("*.block")}
        for labels, offset, value in samples:
            at = NOW + offset
            last = max((t for t in kept[labels] if t // SPAN == at // SPAN), default=-1)
            report = store.append([(labels, at, value)], now)
            if at // SPAN in sealed:
                assert report == Report(0, old=1)
            elif at > last:
                assert report == Report(1)
                kept[labels][at] = value
            else:
                same = at == last and struct.pack("<d", value) == struct.pack("<d", kept[labels][at])
                assert report == (Report(1) if same else Report(0, late=1))
    assert everything(store) == {labels: sorted(rows.items()) for labels, rows in kept.items() if rows}
    store.close()


def test_a_torn_tail_costs_what_was_not_acknowledged_alone(tmp_path, opened):
    """Cut anywhere within the last record, the log brings back all before it, and is written on."""
    wrote = filled(tmp_path, rounds=3, series=2)
    (path,) = tmp_path.glob("*.log")
    whole = path.read_bytes()
    filled(tmp_path / "less", rounds=2, series=2)
    record = len(whole) - next((tmp_path / "less").glob("*.log")).stat().st_size
    for cut in range(1, record + 1):
        path.write_bytes(whole[:-cut])
        store = opened(tmp_path)
        assert everything(store) == {labels: samples[:2] for labels, samples in wrote.items()}
        later = [(labels, NOW + 90_000, 5.0) for labels in wrote]
        assert store.append(later, NOW) == Report(2)
        store.close()
        told = everything(opened(tmp_path))
        assert told == {labels: [*samples[:2], (NOW + 90_000, 5.0)] for labels, samples in wrote.items()}


def test_a_flipped_bit_is_never_told_as_a_sample(tmp_path, opened):
    """A damaged record of a log ends it; a damaged block is an error that names it."""
    wrote = filled(tmp_path, rounds=3, series=2)
    (path,) = tmp_path.glob("*.log")
    raw = bytearray(path.read_bytes())
    raw[-5] ^= 1
    path.write_bytes(raw)
    store = opened(tmp_path)
    assert everything(store) == {labels: samples[:2] for labels, samples in wrote.items()}
    store.tend(NOW + SPAN + GRACE)
    (block,) = tmp_path.glob("*.block")
    raw = bytearray(block.read_bytes())
    raw[40] ^= 1
    block.write_bytes(raw)
    with pytest.raises(Broken):
        everything(opened(tmp_path))


def test_a_log_beside_its_block_is_needless(tmp_path, opened):
    """Killed between the two steps of sealing, nothing is told twice."""
    wrote = filled(tmp_path, rounds=3)
    (log,) = tmp_path.glob("*.log")
    raw, store = log.read_bytes(), opened(tmp_path)
    store.tend(NOW + SPAN + GRACE)
    store.close()
    log.write_bytes(raw)
    (tmp_path / "5.tmp").write_bytes(b"half a block")
    assert everything(opened(tmp_path)) == wrote
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".block"]


def test_samples_are_kept_for_their_time(tmp_path, opened):
    """Blocks older than the age go, younger ones stay; a sample older than that is refused."""
    filled(tmp_path, rounds=2)
    store = opened(tmp_path, Bounds(DAY, 1 << 40, 1000))
    store.tend(NOW + DAY - SPAN)
    assert len(everything(store)) == 5
    assert store.append([(named("up"), NOW, 1.0)], NOW + DAY + 1) == Report(0, old=1)
    store.tend(NOW + DAY + 2 * SPAN)
    assert everything(store) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_samples_go_when_there_are_too_many(tmp_path, opened):
    """By size: blocks go from the oldest on until the rest fits, and no further."""
    for window in range(4):
        filled(tmp_path, rounds=50, start=NOW + window * SPAN)
    store = opened(tmp_path)
    store.tend(NOW + 5 * SPAN)
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("*.block"))]
    store.close()
    narrow = opened(tmp_path, Bounds(7 * DAY, sum(sizes[2:]), 1000))
    narrow.tend(NOW + 5 * SPAN)
    assert {t // SPAN - NOW // SPAN for rows in everything(narrow).values() for t, _ in rows} == {2, 3}


def test_a_block_that_goes_while_it_is_asked_for_is_no_error(tmp_path, opened):
    """Its index was read before; what is gone is too old."""
    filled(tmp_path, rounds=2)
    store = opened(tmp_path)
    store.tend(NOW + SPAN + GRACE)
    assert everything(store)
    (block,) = tmp_path.glob("*.block")
    block.unlink()
    assert everything(store) == {}


def test_what_comes_again_is_taken_and_what_differs_is_not(tmp_path, opened):
    """The same sample once more is no error; another value of that moment is refused, as is an older one."""
    store, labels = opened(tmp_path), named("up")
    assert store.append([(labels, NOW, 1.0), (labels, NOW + 1, 2.0)], NOW) == Report(2)
    assert store.append([(labels, NOW + 1, 2.0)], NOW) == Report(1)
    assert store.append([(labels, NOW + 1, 3.0), (labels, NOW, 1.0)], NOW) == Report(0, late=2)
    assert everything(store) == {labels: [(NOW, 1.0), (NOW + 1, 2.0)]}


def test_series_are_bounded(tmp_path, opened):
    """A series beyond the bound is refused and counted; those that are known go on."""
    store = opened(tmp_path, Bounds(DAY, 1 << 40, 2))
    rows = [(named("up", n=str(n)), NOW, 1.0) for n in range(5)]
    assert store.append(rows, NOW) == Report(2, many=3)
    assert store.append([(rows[0][0], NOW + 1, 1.0)], NOW) == Report(1)


def test_a_full_disk_keeps_nothing_and_says_so(tmp_path):
    """The writer is told to come again; the log that could not be mended refuses for good."""
    (tmp_path / "1.log").symlink_to("/dev/full")
    log = Log(tmp_path / "1.log")
    with pytest.raises(Busy):
        log.append([b"record"], sync=True)
    with pytest.raises(Broken):
        log.append([b"record"], sync=True)
    log.close()


def test_a_folder_that_can_not_be_used_is_told_by_name(tmp_path, opened):
    """An error of the operating system is translated, and the store may be asked again."""
    (tmp_path / "file").write_text("no folder")
    store = opened(tmp_path / "file")
    with pytest.raises(Broken, match="folder of series"):
        store.append([(named("up"), NOW, 1.0)], NOW)
    (tmp_path / "file").unlink()
    assert store.append([(named("up"), NOW, 1.0)], NOW) == Report(1)
