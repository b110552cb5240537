"""Templates in labels and annotations (`{{ $labels.pod }} is at {{ $value | humanizePercentage }}`): a small part of
Prometheus' language that reads the alert's own labels and value and nothing else, and always ends.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.shared.errors import Invalid
from services.alerting.domain.numbers import plain

LONGEST: Final = 4096
"""Characters of a rendered text; what is beyond is cut."""
SOURCE_LONGEST: Final = 8192
MOST_STEPS: Final = 16
WORD_LONGEST: Final = 1024
_TOKEN = re.compile(r'\s*(?:("(?:[^"\\\n]|\\.)*"|`[^`]*`)|(\$?[A-Za-z_.][A-Za-z0-9_.]*)|([+-]?[0-9][0-9.eE+-]*)|(\|))')
_ESCAPE = re.compile(r"\\(.)")
_LABELS = ("$labels.", ".Labels.")
_OTHERS = ("$externalLabels.", ".ExternalLabels.")
_VALUES = ("$value", ".Value")
_FORMAT = re.compile(r"%([-+ 0]{0,2}[0-9]{0,2}(?:\.[0-9]{0,2})?)([sdfgevq%])")

Value = str | float


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template may read."""

    labels: Mapping[str, str]
    value: float


def render(text: str, scope: Scope) -> str:
    """The text with its actions carried out; one that can't be is left as an error's words, as Prometheus does."""
    parts: list[str] = []
    for plain_text, action in _pieces(text[:SOURCE_LONGEST]):
        parts.append(plain_text)
        if action is not None:
            try:
                parts.append(shown(_run(action, scope)))
            except Invalid as fault:
                parts.append(f"<error expanding template: {fault.text}>")
    return "".join(parts)[:LONGEST]


def check(text: str) -> None:
    """Raise `Invalid` for a template that can't be rendered, whatever the alert."""
    if len(text) > SOURCE_LONGEST:
        raise _refused(f"the text has {len(text)} characters; {SOURCE_LONGEST} are accepted")
    for plain_text, action in _pieces(text):
        if "{{" in plain_text:
            _run(plain_text.partition("{{")[2].strip(), Scope({}, 1.0))
            raise _refused("unclosed action")
        if action is not None:
            _run(action, Scope({}, 1.0))


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Plain text and the action after it, None at the end; `{{-` and `-}}` take the white space beside them."""
    trims = False
    while (begin := text.find("{{")) >= 0 and (end := text.find("}}", begin)) >= 0:
        before, action, text = text[:begin], text[begin + 2 : end], text[end + 2 :]
        if trims:
            before = before.lstrip()
        if action.startswith(("- ", "-\t", "-\n")):
            before, action = before.rstrip(), action[1:]
        if trims := action.endswith((" -", "\t-", "\n-")):
            action = action[:-1]
        yield before, action.strip()
    yield text.lstrip() if trims else text, None


def shown(value: Value) -> str:
    """A value as text."""
    return value if isinstance(value, str) else plain(value)


def _run(action: str, scope: Scope) -> Value:
    """One action: steps joined by `|`, each but the first a function of what was before."""
    if action.startswith("/*"):
        return ""
    steps = _steps(action)
    result: Value | None = None
    for step in steps:
        result = _step(step, scope, result)
    if result is None:
        raise _refused("missing value for command")
    return result


def _steps(action: str) -> list[list[str]]:
    steps: list[list[str]] = [[]]
    at, action = 0, action.rstrip()
    while at < len(action):
        token = _TOKEN.match(action, at)
        if token is None or len(steps) > MOST_STEPS:
            raise _refused(f"unexpected {action[at : at + 20]!r} in command")
        if token[4]:
            steps.append([])
        else:
            steps[-1].append(token[0].strip())
        at = token.end()
    return steps


def _step(words: Sequence[str], scope: Scope, piped: Value | None) -> Value:
    if not words:
        raise _refused("missing value for command")
    first, *rest = words
    if first in FUNCTIONS:
        arguments = [_value(word, scope) for word in rest] + ([] if piped is None else [piped])
        return FUNCTIONS[first](arguments)
    if first == "index" and len(rest) == 2 and rest[0] in ("$labels", ".Labels"):  # noqa: PLR2004  # index MAP KEY
        return scope.labels.get(shown(_value(rest[1], scope)), "")
    if rest or piped is not None:
        raise _refused(f'function "{first[:40]}" not defined')
    return _value(first, scope)


def _value(word: str, scope: Scope) -> Value:
    if word[0] in '"`':
        return _ESCAPE.sub(r"\1", word[1:-1]) if word[0] == '"' else word[1:-1]
    if word in _VALUES:
        return scope.value
    for before in _LABELS:
        if word.startswith(before):
            return scope.labels.get(word.removeprefix(before), "")
    if word.startswith(_OTHERS):
        return ""
    try:
        return float(word)
    except ValueError:
        what = "undefined variable" if word.startswith("$") else "function"
        raise _refused(f'{what} "{word[:40]}"' + (" not defined" if what == "function" else "")) from None


def _refused(said: str) -> Invalid:
    return Invalid("template", said)


def _number(arguments: Sequence[Value]) -> float:
    if len(arguments) != 1:
        raise _refused("wrong number of args: one number is wanted")
    try:
        return float(arguments[0])
    except ValueError:
        raise _refused(f"{shown(arguments[0])[:40]!r} is no number") from None


def _scaled(arguments: Sequence[Value], base: float, units: Sequence[str], small: Sequence[str]) -> str:
    """Four digits with the prefix of a unit, as Prometheus' humanize and humanize1024."""
    number = _number(arguments)
    if number == 0 or not math.isfinite(number):
        return f"{number:.4g}"
    unit = ""
    if abs(number) >= 1:
        for name in units:
            if abs(number) < base:
                break
            unit, number = name, number / base
    else:
        for name in small:
            if abs(number) >= 1:
                break
            unit, number = name, number * base
    return f"{number:.4g}{unit}"


def _duration(arguments: Sequence[Value]) -> str:
    number = _number(arguments)
    if not math.isfinite(number) or abs(number) < 1:
        return _scaled([number], 1000, (), ("m", "u", "n")) + "s" if math.isfinite(number) else plain(number)
    sign, whole = "-" if number < 0 else "", int(abs(number))
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {whole % 60}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {whole % 60}s"
    if minutes:
        return f"{sign}{minutes}m {whole % 60}s"
    return f"{sign}{abs(number):.4g}s"


def _printf(arguments: Sequence[Value]) -> str:
    if not arguments:
        raise _refused("printf wants a format")
    rest = iter(arguments[1:])

    def one(found: re.Match[str]) -> str:
        if found[2] == "%":
            return "%"
        value = next(rest, "")
        if found[2] in "sv":
            return shown(value)[:WORD_LONGEST]
        if found[2] == "q":
            return '"' + shown(value)[:WORD_LONGEST].replace('"', '\\"') + '"'
        number = _number([value])
        if found[2] == "d":
            return f"%{found[1]}.0f" % number
        return f"%{found[1]}{found[2]}" % number

    return _FORMAT.sub(one, shown(arguments[0]))


def _text(change: Callable[[str], str]) -> Callable[[Sequence[Value]], str]:
    return lambda arguments: change(shown(arguments[0]) if len(arguments) == 1 else "")


FUNCTIONS: Final[Mapping[str, Callable[[Sequence[Value]], Value]]] = {
    "humanize": lambda arguments: _scaled(arguments, 1000, "kMGTPEZY", "munpfazy"),
    "humanize1024": lambda arguments: _scaled(arguments, 1024, ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"), ()),
    "humanizeDuration": _duration,
    "humanizePercentage": lambda arguments: f"{_number(arguments) * 100:.4g}%",
    "printf": _printf,
    "toUpper": _text(str.upper),
    "toLower": _text(str.lower),
    "title": _text(str.title),
}
