"""Turn `proto/orrery/<service>/v1/events.proto` into frozen pydantic models in `libs/shared/contracts`.

    python proto/generate.py            write the models and the lock
    python proto/generate.py --check    exit 1 when they are stale, or a locked field was removed or renumbered

A message that other messages use is a value; every other one is an event.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator

from google.protobuf import descriptor_pb2 as pb
from grpc_tools import protoc

HERE = pathlib.Path(__file__).parent
TARGET = HERE.parent / "libs" / "shared" / "contracts"
LOCK = HERE / "lock.json"
F = pb.FieldDescriptorProto
SCALARS = {
    F.TYPE_STRING: ("str", '""'),
    F.TYPE_BOOL: ("bool", "False"),
    F.TYPE_INT32: ("int", "0"),
    F.TYPE_INT64: ("Int64", "0"),
    F.TYPE_DOUBLE: ("float", "0.0"),
}
HEAD = '''"""GENERATED from {source} by proto/generate.py: change that, then run `make proto`."""

from __future__ import annotations

from typing import ClassVar

from libs.shared.contracts.wire import {wire}
from libs.shared.event import Event
'''


def compiled() -> list[tuple[str, pb.FileDescriptorProto]]:
    """Each service's file, parsed by protoc, by name of service."""
    files = sorted(HERE.glob("orrery/*/v1/events.proto"))
    include = pathlib.Path(protoc.__file__).parent / "_proto"
    with tempfile.NamedTemporaryFile() as out:
        arguments = [f"-I{HERE}", f"-I{include}", "--include_source_info", f"--descriptor_set_out={out.name}"]
        if protoc.main(["protoc", *arguments, *map(str, files)]):
            sys.exit(1)
        found = pb.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    return [(f.package.split(".")[1], f) for f in found.file if f.package.startswith("orrery.")]


def comment(file: pb.FileDescriptorProto, *path: int) -> str:
    """The comment that stands before the thing at this path, on one line."""
    found = (i.leading_comments for i in file.source_code_info.location if list(i.path) == list(path))
    return " ".join(next(found, "").split()).replace('"""', "'''")


def field_type(field: F) -> tuple[str, str]:
    """Annotation and default."""
    if field.type == F.TYPE_MESSAGE:
        name = field.type_name.rpartition(".")[2]
        plain, default = (name, f"{name}()") if name != "Timestamp" else ("Moment | None", "None")
    else:
        plain, default = SCALARS[field.type]
    return (f"tuple[{plain}, ...]", "()") if field.label == F.LABEL_REPEATED else (plain, default)


def values(file: pb.FileDescriptorProto) -> set[str]:
    """Messages that others use."""
    return {f.type_name.rpartition(".")[2] for m in file.message_type for f in m.field if f.type == F.TYPE_MESSAGE}


def lines(service: str, file: pb.FileDescriptorProto) -> Iterator[str]:
    """The module, line by line."""
    used = values(file)
    types = {field_type(f)[0] for m in file.message_type for f in m.field}
    plain = any("Value" in t for t in types) or bool(used - {"Timestamp"})
    wire = [name for name in ("Int64", "Moment") if any(name in t for t in types)] + ["Value"] * plain
    head = HEAD.format(source=f"proto/{file.name}", wire=", ".join(wire))
    yield head.replace("from libs.shared.contracts.wire import \n", "")
    for number, message in enumerate(file.message_type):
        base = "Value" if message.name in used else "Event"
        yield f"\nclass {message.name}({base}):"
        yield f'    """{comment(file, 4, number) or message.name + "."}"""\n'
        if base == "Event":
            yield f'    SERVICE: ClassVar[str] = "{service}"\n'
        for index, field in enumerate(message.field):
            annotation, default = field_type(field)
            yield f"    {field.name}: {annotation} = {default}"
            if note := comment(file, 4, number, 2, index):
                yield f'    """{note}"""'
        yield ""
    events = [m.name for m in file.message_type if m.name not in used]
    yield "\nEVENTS: tuple[type[Event], ...] = (\n" + "".join(f"    {name},\n" for name in events) + ")"


def locked(files: list[tuple[str, pb.FileDescriptorProto]]) -> dict[str, dict[str, str]]:
    """Message -> field number -> name and type, for every message."""
    return {
        f"{service}.{m.name}": {str(f.number): f"{f.name}:{field_type(f)[0]}" for f in m.field}
        for service, file in files
        for m in file.message_type
    }


def broken(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> list[str]:
    """What the lock holds and the files no longer say."""
    return [
        f"{message} field {number} was {was}, is {new.get(message, {}).get(number, 'gone')}"
        for message, fields in old.items()
        for number, was in fields.items()
        if new.get(message, {}).get(number) != was
    ]


def main() -> None:
    """Write what is stale, or say it."""
    files = compiled()
    wanted = {TARGET / f"{service}_v1.py": "\n".join(lines(service, file)) + "\n" for service, file in files}
    lock = locked(files)
    if told := broken(json.loads(LOCK.read_text()) if LOCK.exists() else {}, lock):
        sys.exit("additions only:\n  " + "\n  ".join(told))
    wanted[LOCK] = json.dumps(lock, indent=1, sort_keys=True) + "\n"
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv and stale:
        sys.exit("stale, run `make proto`: " + ", ".join(path.name for path in stale))
    for path in stale:
        path.write_text(wanted[path])


if __name__ == "__main__":
    main()
