"""A container's log line: as a document that Fluent Bit writes, and what is asked of lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from libs.shared.errors import Malformed
from services.logging.domain.entry import Entry, moment
from services.logging.domain.wanted import Phrase, Shape, Term, Wish, escaped

LONGEST = 1024
"""Characters of a name that are looked at."""
SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
"""What Kubernetes makes suffixes of."""
ROOM, HASH, SUFFIX = 58, 10, 5
"""A generated name is cut at 58 characters, and 5 are added."""
COLOURS = re.compile(rb"\x1b\[[0-9;]*m")


def entry_of(document: Mapping[str, Any], id_: str = "", *, create: bool = False) -> Entry:
    """The entry of a document with `time` or `@timestamp`, `log` or `message`, and `kubernetes`; raises `Malformed`
    naming the field.
    """
    time = document.get("time") or document.get("@timestamp")
    text = document.get("log", document.get("message"))
    if not isinstance(text, str):
        raise Malformed("log", "log should be the line's text")
    about = document.get("kubernetes", {})
    if not isinstance(about, Mapping):
        raise Malformed("kubernetes", "kubernetes should be an object with namespace_name, pod_name, container_name")
    names = {name: told(about, f"{name}_name") for name in ("namespace", "pod", "container")}
    return line(text, time, names, told(about, "docker_id"), id_, create=create)


def line(
    text: str, time: object, names: Mapping[str, str], source: str, id_: str = "", *, create: bool = False
) -> Entry:
    """The entry of a line; raises `Malformed` for a time that is none."""
    record = {"log": text, "time": time, **names}
    return Entry(
        ms=moment(time, "time"),
        body=orjson.dumps(record),
        exact=names,
        worded={"pod": names["pod"], "container": names["container"], "log": text},
        source=source,
        id=id_,
        create=create,
    )


def told(document: Mapping[str, Any], name: str) -> str:
    """A text of a document, empty when it has none; a number as text. Raises `Malformed` for anything else."""
    value = document.get(name)
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)[:LONGEST]
    raise Malformed(name, f"{name} should be a text")


def workload_pods(name: str) -> tuple[str, ...]:
    """Shapes of the names of a workload's pods: of a deployment, a stateful set, a daemon set or a job."""
    named = escaped(name)
    shapes = [f"{named}-{SAFE}{{1,10}}-{SAFE}{{5}}", f"{named}-[0-9]+", f"{named}-[a-z0-9]{{5}}"]
    room = ROOM - 1 - len(name)
    if 0 < room <= HASH:
        shapes.append(f"{named}-{SAFE}{{{room}}}[a-z0-9]{{{SUFFIX}}}")
    if room < 0:
        shapes.append(f"{escaped(name[:ROOM])}[a-z0-9]{{{SUFFIX}}}")
    return tuple(shapes)


def wishes(lists: Mapping[str, Sequence[str]]) -> list[Wish]:
    """What the parameters of these names ask for beside namespaces; each is an alternative of several texts."""
    found: list[Wish] = []
    if workloads := lists.get("workloads"):
        found.append(Shape("pod", tuple(shape for name in workloads for shape in workload_pods(name))))
    for parameter, field in (("pods", "pod"), ("containers", "container")):
        if parameter in lists:
            found.append(Term(field, tuple(lists[parameter])))
    phrases = (("workload_query", "pod"), ("pod_query", "pod"), ("container_query", "container"), ("log_query", "log"))
    found += [Phrase(field, tuple(lists[parameter])) for parameter, field in phrases if parameter in lists]
    return found


def plain(record: bytes) -> bytes:
    """The line of a record alone, without colours."""
    return COLOURS.sub(b"", str(orjson.loads(record)["log"]).encode())
