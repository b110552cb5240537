"""YAML of strangers, read by a child process (reader.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from libs.shared.errors import Broken, Invalid
from services.openpitrix.clients.child import Call, called

READER: Final = Path(__file__).with_name("reader.py")


async def read_index(text: bytes, *, seconds: float, most: int) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Charts with their versions, as an index has them. Raises `Invalid` saying what is wrong, `Busy` when it takes
    longer.
    """
    found = await _read(("index", str(most)), text, seconds)
    return [(name, versions) for name, versions in found]


async def read_document(text: bytes, *, seconds: float) -> Any:
    """One document whose scalars stay text; raises as `read_index`."""
    return await _read(("document",), text, seconds)


async def read_objects(text: bytes, *, seconds: float) -> list[Mapping[str, str]]:
    """What a manifest names; raises as `read_index`."""
    return list(await _read(("objects",), text, seconds))


async def _read(arguments: tuple[str, ...], text: bytes, seconds: float) -> Any:
    try:
        said = await called(Call(READER, arguments, text, seconds))
    except Broken as fault:  # out of memory, or a crash of the parser: of what was sent, not of ours
        raise Invalid("yaml", "the YAML can't be read within the memory that it may take") from fault
    answer = await asyncio.to_thread(orjson.loads, said)
    if "error" in answer:
        raise Invalid("yaml", str(answer["error"]))
    return answer["ok"]
