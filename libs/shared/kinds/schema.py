"""A sent object against the kind's declared model: fields that it doesn't know, and values of a wrong type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic import AliasChoices, BaseModel, ValidationError
from pydantic.fields import FieldInfo

from libs.shared.errors import Flaw, Malformed
from libs.shared.kinds.drafts import invalid
from libs.shared.kinds.kind import JsonObject, Kind

_ALWAYS = ("apiVersion", "kind", "metadata")
_NOT_OURS = ("missing", "extra_forbidden")
"""What a client may leave out is the command's to say, and what it may add is `fieldValidation`'s."""


def check(kind: Kind[Any], wish: JsonObject, validation: str) -> tuple[str, ...]:
    """Warnings about unknown fields (`Warn`); raises `Malformed` for them when `Strict`, and `Invalid` for a value of
    a wrong type, without ever repeating the value.
    """
    if kind.model is None:
        return ()
    _check_types(kind, wish)
    if validation == "Ignore":
        return ()
    sent = {key: value for key, value in wish.items() if key not in _ALWAYS}
    unknown = [f'unknown field "{path}"' for path in _unknown(kind.model, sent, "")]
    if unknown and validation == "Strict":
        raise Malformed(
            "object-not-strict",
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: strict decoding error: '
            + ", ".join(unknown),
        )
    return tuple(unknown)


def _check_types(kind: Kind[Any], wish: JsonObject) -> None:
    if kind.model is None:
        return
    try:
        kind.model.model_validate(wish)
    except ValidationError as wrong:
        flaws = [
            Flaw(".".join(str(step) for step in error["loc"]), error["msg"])
            for error in wrong.errors(include_url=False, include_context=False, include_input=False)
            if error["type"] not in _NOT_OURS
        ]
        if flaws:
            raise invalid(kind, str(wish["metadata"].get("name", "")), flaws) from None


def _unknown(model: type[BaseModel], thing: Mapping[str, Any], path: str) -> Iterator[str]:
    if model.model_config.get("extra") == "allow":
        return
    known = {name: info for field, info in model.model_fields.items() for name in _spellings(field, info)}
    for key, value in thing.items():
        here = f"{path}.{key}" if path else key
        if key not in known:
            yield here
            continue
        for inner in _models(known[key].annotation):
            yield from _inside(inner, value, here)


def _inside(model: type[BaseModel], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _inside(model, item, f"{path}[{place}]")
    elif isinstance(value, Mapping):
        yield from _unknown(model, value, path)


def _spellings(field: str, info: FieldInfo) -> Iterator[str]:
    alias = info.validation_alias
    if isinstance(alias, AliasChoices):
        yield from (choice for choice in alias.choices if isinstance(choice, str))
    elif isinstance(alias, str):
        yield alias
    else:
        yield info.alias or field


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The model behind an annotation, through `| None` and lists; maps and unions of several are not looked into."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) not in (dict, Mapping):
        found = [model for part in get_args(annotation) for model in _models(part)]
        yield from found if len(found) == 1 else ()
