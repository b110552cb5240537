"""A script that reads YAML of strangers, run in a process of its own: by events, so that nothing is constructed, every
scalar stays text, and an alias (a few bytes that stand for gigabytes) is refused. It imports nothing of ours.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

MEMORY = 1 << 30
DEEPEST = 64
MOST_EVENTS = 12_000_000
FIELDS = ("name", "version", "appVersion", "description", "home", "icon", "deprecated", "urls", "digest", "created")
LISTS = ("keywords", "maintainers", "sources")
LONGEST = 4096
MOST_MEMBERS = 50
NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):
    """What was sent isn't accepted; the text says why."""


def main() -> None:
    """`index MOST`, `document` or `objects`: JSON on standard output, `{"ok": …}` or `{"error": text}`."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    text = sys.stdin.buffer.read(size)
    try:
        answer = {"ok": READINGS[sys.argv[1]](text)}
    except Refused as fault:
        answer = {"error": str(fault)}
    except (yaml.YAMLError, UnicodeError) as fault:
        answer = {"error": f"error converting YAML to JSON: {' '.join(str(fault).split())[:300]}"}
    except (MemoryError, RecursionError):
        answer = {"error": "the YAML is too large"}
    sys.stdout.write(json.dumps(answer))


def documents(text: bytes) -> Iterator[Any]:
    """Each document: mappings, lists and text; an empty plain scalar is None."""
    events = iter(yaml.parse(text, Loader=LOADER))
    budget = [MOST_EVENTS]
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            yield _value(next(events), events, DEEPEST, budget)


def document(text: bytes) -> Any:
    """The first one."""
    return next(documents(text), None)


def objects(text: bytes) -> list[dict[str, str]]:
    """What a manifest names: API version, kind, name and namespace of each object."""
    found = []
    for one in documents(text):
        if not isinstance(one, dict) or not isinstance(one.get("metadata"), dict):
            continue
        about = one["metadata"]
        said = (one.get("apiVersion"), one.get("kind"), about.get("name"), about.get("namespace") or "")
        if all(isinstance(value, str) for value in said):
            found.append(dict(zip(("api_version", "kind", "name", "namespace"), said, strict=True)))
    return found


def _value(event: Any, events: Any, deepest: int, budget: list[int]) -> Any:
    budget[0] -= 1
    if budget[0] < 0:
        raise Refused("the YAML has too many parts")
    if isinstance(event, yaml.ScalarEvent):
        return None if event.implicit[0] and event.value in NOTHING else event.value
    if isinstance(event, yaml.AliasEvent):
        raise Refused("the YAML has an alias, which is not accepted")
    if deepest <= 0:
        raise Refused(f"the YAML is nested deeper than {DEEPEST}")
    if isinstance(event, yaml.SequenceStartEvent):
        found = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(_value(event, events, deepest - 1, budget))
        return found
    return _mapping(events, deepest, budget)


def _mapping(events: Any, deepest: int, budget: list[int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise Refused("a key of the YAML is no text")
        if event.value in found:
            raise Refused(f'key "{event.value[:80]}" already set in map')
        found[event.value] = _value(next(events), events, deepest - 1, budget)
    return found


def index(text: bytes) -> list[list[Any]]:
    """`[[chart, [version, …]], …]` of a repository's index, with the fields that are shown, each within bounds."""
    found, most = document(text), int(sys.argv[2])
    if not isinstance(found, dict):
        raise Refused("the index is no mapping")
    if not found.get("apiVersion"):
        raise Refused("no API version specified")
    entries = found.get("entries") or {}
    if not isinstance(entries, dict):
        raise Refused("the index has entries that are no mapping")
    count, charts = 0, []
    for name, versions in entries.items():
        kept = [_entry(one) for one in versions or () if isinstance(one, dict)] if isinstance(versions, list) else []
        count += len(kept)
        if count > most:
            raise Refused(f"the index has more than {most} chart versions")
        charts.append([name, kept])
    return charts


def _entry(said: dict[str, Any]) -> dict[str, Any]:
    kept = {key: _bounded(said[key]) for key in FIELDS if said.get(key) is not None}
    return kept | {key: _bounded(said[key]) for key in LISTS if isinstance(said.get(key), list)}


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, list):
        return [_bounded(one) for one in value[:MOST_MEMBERS]]
    if isinstance(value, dict):
        return {str(key)[:LONGEST]: _bounded(one) for key, one in list(value.items())[:MOST_MEMBERS]}
    return value


READINGS: Mapping[str, Callable[[bytes], Any]] = {"index": index, "document": document, "objects": objects}

if __name__ == "__main__":
    main()
