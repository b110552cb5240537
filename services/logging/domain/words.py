"""Text into words as Elasticsearch's standard analyser cuts it (Unicode word breaks, UAX 29), folded in case."""

from __future__ import annotations

import re

LONGEST = 255
"""Characters of a word; a longer one is cut, and what follows is a word of its own."""
_SIGN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PICTURES = "\u2600-\u27bf\U0001f000-\U0001faff"
_LETTER = rf"[^\W\d_{_SIGN}]"
_PART = rf"(?:[^\W{_SIGN}]|[{_MARKS}])"
_JOIN = rf"(?:(?<=[^\W\d_])[{_MARKS}]*[.:'\u00b7\u2018\u2019\u2024](?={_LETTER})|(?<=\d)[.,;'\u2018\u2019](?=\d))"
_WORD = re.compile(rf"{_PART}(?:{_JOIN}?{_PART})*|[{_SIGN}]|[{_PICTURES}]")


def words(text: str) -> list[str]:
    """The words of a text, in order. Han signs and pictures are words each; `_` joins, alone it is none."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if not word.strip("_"):
            continue
        if len(word) <= LONGEST:
            found.append(word)
        else:
            found.extend(word[at : at + LONGEST] for at in range(0, len(word), LONGEST))
    return found
