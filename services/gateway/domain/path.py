"""A request's path in one canonical form, so that what is decided is exactly what is forwarded.

Every segment is decoded once, looked at, and encoded again in one way; a path that two programs could read
differently is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from libs.shared.errors import Malformed

MAX_SEGMENTS = 64
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\\]")
_PLAIN = re.compile(r"[A-Za-z0-9._~:@-]+")
_SAFE = "!$&'()*+,;=:@-._~"
_DOTS = frozenset({".", ".."})


@dataclass(frozen=True, slots=True)
class Path:
    """Decoded segments, without leading or trailing slash. `ambiguous` is the index of the first segment that holds an
    encoded slash or a semicolon (its length when there is none): no segment that decides anything may lie at or
    behind it.
    """

    segments: tuple[str, ...]
    ambiguous: int

    @property
    def text(self) -> str:
        """The decoded path with one leading slash: what non-resource rules are matched with."""
        return "/" + "/".join(self.segments)

    @property
    def wire(self) -> str:
        """The path to forward: canonical percent-encoding (RFC 3986, 3.3), no trailing slash."""
        return "/" + "/".join(quote(segment, safe=_SAFE) for segment in self.segments)


def read_path(raw: str) -> Path:
    """The canonical path of a request target's path part. A trailing slash is dropped, as the original's router does;
    dot segments, empty segments, bad escapes, control characters and backslashes raise `Malformed`.
    """
    if not raw.startswith("/"):
        raise Malformed("path-form", "the request target is no path: it must start with a slash")
    if "#" in raw or _ESCAPE.search(raw):
        raise Malformed("path-escape", "the path holds a fragment or a percent sign without two hexadecimal digits")
    parts = raw[1:].split("/")
    if parts[-1] == "":
        parts.pop()
    if len(parts) > MAX_SEGMENTS:
        raise Malformed("path-long", f"the path has more than {MAX_SEGMENTS} segments")
    segments = tuple(_segment(part) for part in parts)
    ambiguous = next((i for i, s in enumerate(segments) if "/" in s or ";" in s), len(segments))
    return Path(segments, ambiguous)


def _segment(part: str) -> str:
    if _PLAIN.fullmatch(part) and part not in _DOTS:
        return part
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeError:  # bad bytes as escapes, or as they came
        raise Malformed("path-encoding", "the path is not UTF-8") from None
    if _CONTROL.search(text):
        raise Malformed("path-control", "the path holds a control character or a backslash")
    pieces = text.split("/")
    if "" in pieces:
        raise Malformed("path-empty", "the path holds an empty segment")
    if not _DOTS.isdisjoint(pieces):
        raise Malformed("path-dots", "the path holds a dot segment")
    return text
