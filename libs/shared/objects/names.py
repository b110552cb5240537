"""Names as Kubernetes takes them, and why one is refused, in Kubernetes' own words.

Every function answers with the reasons for a refusal; none means that the name is fine. Source: the validation package
of k8s.io/apimachinery.
"""

from __future__ import annotations

import re

LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE = f"({QUALIFIED})?"

_QUALIFIED_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    f" (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{QUALIFIED}')"
)


def subdomain(value: str) -> tuple[str, ...]:
    """Why this is no RFC 1123 subdomain, which most objects' names are."""
    return _too_long(value, SUBDOMAIN_LENGTH) + _unlike(
        value,
        SUBDOMAIN,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
        " and end with an alphanumeric character (e.g. 'example.com'",
    )


def label(value: str) -> tuple[str, ...]:
    """Why this is no RFC 1123 label, which names of namespaces are."""
    long = _too_long(value, LABEL_LENGTH)
    if not re.fullmatch(_LABEL, value) and re.fullmatch(SUBDOMAIN, value):
        return (*long, "must not contain dots")
    return long + _unlike(
        value,
        _LABEL,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end"
        " with an alphanumeric character (e.g. 'my-name',  or '123-abc'",
    )


def label_1035(value: str) -> tuple[str, ...]:
    """Why this is no RFC 1035 label, which names of Services are."""
    return _too_long(value, LABEL_LENGTH) + _unlike(
        value,
        _LABEL_1035,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
        " character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'",
    )


def label_value(value: str) -> tuple[str, ...]:
    """Why this can't be the value of a label."""
    return _too_long(value, LABEL_LENGTH) + _unlike(
        value,
        LABEL_VALUE,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start"
        " and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345'",
    )


def qualified(value: str) -> tuple[str, ...]:
    """Why this can't be the key of a label or an annotation: `name` or `prefix/name`."""
    prefix, slash, name = value.rpartition("/")
    if "/" in prefix:
        text = f"a qualified name {_QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/'"
        return (f"{text} (e.g. 'example.com/MyName')",)
    reasons: list[str] = []
    if slash and not prefix:
        reasons.append("prefix part must be non-empty")
    elif slash:
        reasons.extend(f"prefix part {reason}" for reason in subdomain(prefix))
    if not name:
        reasons.append("name part must be non-empty")
    reasons.extend(f"name part {reason}" for reason in _too_long(name, LABEL_LENGTH))
    if not re.fullmatch(QUALIFIED, name):
        reasons.append(f"name part {_QUALIFIED_TEXT}")
    return tuple(reasons)


def _too_long(value: str, limit: int) -> tuple[str, ...]:
    return (f"must be no more than {limit} bytes",) if len(value.encode(errors="replace")) > limit else ()


def _unlike(value: str, pattern: str, text: str) -> tuple[str, ...]:
    if re.fullmatch(pattern, value):
        return ()
    return (f"{text}, regex used for validation is '{pattern}')",)
