"""Addresses: the scheme names the adapter, the rest is the adapter's. An endpoint is where a server listens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*):(.*)", re.DOTALL)
CREDENTIALS = re.compile(r"(://[^/@\s:]*):[^/@\s]*@")
HIGHEST_PORT = 65535


def without_password(text: str) -> str:
    """The text, with the password of each `scheme://user:password@host` in it hidden."""
    return CREDENTIALS.sub(r"\1:***@", text)


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """`scheme:rest` (RFC 3986, scheme in lower case): `embedded:`, `sqlite:var/accounts.db`, `nats://broker:4222`.

    It may hold a password: `str` and `repr` hide it, `reveal()` is the one way out.
    """

    scheme: str
    rest: str

    @classmethod
    def parsed(cls, text: str) -> Address:
        """Read it; raises `ValueError` saying what is accepted (pydantic turns that into a flaw)."""
        match = ADDRESS.fullmatch(text.strip())
        if match is None:
            raise ValueError("should be an address, scheme:rest, such as embedded: or nats://broker:4222")
        return cls(match[1], match[2])

    @property
    def path(self) -> Path | None:
        """The rest as a path of the file system, for schemes that mean one; None when it is empty."""
        return Path(self.rest).expanduser() if self.rest else None

    def reveal(self) -> str:
        """The whole text, password included."""
        return f"{self.scheme}:{self.rest}"

    def __str__(self) -> str:
        return without_password(self.reveal())

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parsed(str(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens: `host:port`, `[::1]:port`, or `unix:path`. Port 0 lets the system choose."""

    host: str = ""
    port: int = 0
    socket: Path | None = None

    @classmethod
    def parsed(cls, text: str) -> Endpoint:
        """Read it; raises `ValueError` saying what is accepted."""
        text = text.strip()
        if text.startswith("unix:") and len(text) > len("unix:"):
            return cls(socket=Path(text.removeprefix("unix:")).expanduser())
        host, colon, port = text.rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        unbracketed = ":" in bare and bare == host
        if not colon or unbracketed or not (port.isascii() and port.isdigit()) or int(port) > HIGHEST_PORT:
            raise ValueError("should be host:port, [IPv6]:port or unix:path, with a port from 0 to 65535")
        return cls(host=bare or "0.0.0.0", port=int(port))  # noqa: S104  # `:8080` asks for every interface in so many words

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.socket is not None or self.host in ("localhost", "::1") or self.host.startswith("127.")

    def __str__(self) -> str:
        if self.socket is not None:
            return f"unix:{self.socket}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parsed(str(value)),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )
