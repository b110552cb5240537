"""What a chart says of itself: Chart.yaml, or an entry of a repository's index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict

from libs.shared.errors import Invalid
from services.openpitrix.domain import semver

LONGEST_NAME: Final = 250
LONGEST_TEXT: Final = 2048
LONGEST_ICON: Final = 4096
MOST_MEMBERS: Final = 50
LIBRARY: Final = "library"


class Chart(BaseModel):
    """Bounded. `maintainers` and `sources` are JSON text, as the wire has them; empty when there are none."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    app_version: str = ""
    description: str = ""
    home: str = ""
    icon: str = ""
    keywords: tuple[str, ...] = ()
    maintainers: str = ""
    sources: str = ""
    deprecated: bool = False

    @property
    def title(self) -> str:
        """`1.2.1 [1.27.1]`, without the bracket when there is no application version."""
        return titled(self.version, self.app_version)

    @property
    def package(self) -> str:
        """The name of its archive."""
        return f"{self.name}-{self.version}.tgz"


@dataclass(frozen=True, slots=True)
class Entry:
    """A chart version in an index: where its archive is, relative to the repository or not, and when it was made."""

    chart: Chart
    urls: tuple[str, ...]
    digest: str = ""
    created: str = ""


def titled(version: str, app_version: str) -> str:
    """How a version is called."""
    return f"{version} [{app_version}]" if app_version else version


def untitled(text: str) -> tuple[str, str]:
    """Version and application version out of a version's name; raises `Invalid`."""
    version, _, rest = text.strip().partition(" ")
    app_version = rest.strip().removeprefix("[").removesuffix("]")
    if not semver.valid(version):
        raise Invalid("version-name", f'"{text[:80]}" is no name of a version: VERSION [APPLICATION VERSION]')
    return version, app_version[:LONGEST_NAME]


def read(said: Mapping[str, Any]) -> Chart:
    """The chart that these fields of Chart.yaml describe, in Helm's own words when they don't; raises `Invalid`."""
    name, version = said.get("name"), said.get("version")
    if not isinstance(name, str) or not name:
        raise _wrong("chart.metadata.name is required")
    if len(name) > LONGEST_NAME or not name.isprintable() or "/" in name or name in (".", ".."):
        raise _wrong(f'chart.metadata.name "{name[:80]}" is invalid')
    if not isinstance(version, str) or not version:
        raise _wrong("chart.metadata.version is required")
    if not semver.valid(version):
        raise _wrong(f'chart.metadata.version "{version[:80]}" is invalid')
    return Chart(
        name=name,
        version=version,
        app_version=_text(said.get("appVersion"), LONGEST_NAME),
        description=_text(said.get("description"), LONGEST_TEXT),
        home=_text(said.get("home"), LONGEST_TEXT),
        icon=_text(said.get("icon"), LONGEST_ICON),
        keywords=tuple(_text(word, LONGEST_NAME) for word in _list(said.get("keywords"))),
        maintainers=_json([_person(one) for one in _list(said.get("maintainers")) if isinstance(one, Mapping)]),
        sources=_json([_text(one, LONGEST_TEXT) for one in _list(said.get("sources"))]),
        deprecated=said.get("deprecated") is True,
    )


def _wrong(text: str) -> Invalid:
    return Invalid("chart", f"validation: {text}")


def _person(said: Mapping[str, Any]) -> dict[str, str]:
    return {key: _text(said[key], LONGEST_NAME) for key in ("name", "email", "url") if said.get(key)}


def _list(value: object) -> list[Any]:
    return value[:MOST_MEMBERS] if isinstance(value, list) else []


def _text(value: object, most: int) -> str:
    """Text, or a number that was meant as text (`appVersion: 1.0`)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)[:most]


def _json(value: list[Any]) -> str:
    return orjson.dumps(value).decode() if value else ""
