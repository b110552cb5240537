"""What a client asks for beside the path: options in the query, the form of the answer in `Accept`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson
from aiohttp import web

from libs.shared.errors import Gone, Invalid, Malformed, Unsupported
from libs.shared.objects import fields as field_selectors
from libs.shared.objects import selectors
from libs.shared.objects.fields import FieldSelector
from libs.shared.objects.selectors import Selector

Start = tuple[str, str]
"""Namespace and name that a page begins after."""


class Form(StrEnum):
    """How an object is to be shown."""

    WHOLE = "whole"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Listing:
    """Options of a list or a watch."""

    labels: Selector
    fields: FieldSelector
    limit: int = 0
    after: Start | None = None
    version: str = ""
    """`resourceVersion`: of a list that goes on, the one that it began at."""
    match: str = ""


def listing(query: Mapping[str, str]) -> Listing:
    """Options of a list; raises `Malformed`, and `Gone` for a `continue` that isn't ours."""
    try:
        labels = selectors.parse(query.get("labelSelector", ""))
    except Malformed as fault:
        raise Malformed(fault.slug, f"unable to parse requirement: {_bare(fault.text)}") from None
    fields = field_selectors.parse(query.get("fieldSelector", ""))
    version, after = query.get("resourceVersion", ""), None
    if token := query.get("continue", ""):
        version, after = _went_on(token)
    return Listing(labels, fields, number(query, "limit"), after, version, query.get("resourceVersionMatch", ""))


def _bare(text: str) -> str:
    return text.removeprefix("unable to parse requirement: ")


def number(query: Mapping[str, str], field: str) -> int:
    """A whole number of 0 or more, 0 where there is none; raises `Malformed`."""
    text = query.get(field, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 18):  # noqa: PLR2004  # digits of an int64
        raise Malformed("option-unreadable", f'{field}: invalid value "{text[:40]}": a whole number is expected')
    return int(text)


def flag(query: Mapping[str, str], field: str) -> bool:
    """Whether an option is set, as Go reads flags."""
    return query.get(field, "").lower() in ("1", "t", "true")


def dry(query: Mapping[str, str], kind: str) -> bool:
    """Whether nothing is to be kept; raises `Invalid` for anything but `All`."""
    wish = query.get("dryRun", "")
    if wish not in ("", "All"):
        text = f'{kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: "{wish[:40]}": supported values: "All"'
        raise Invalid("dry-run-unknown", text, resource=f"{kind}.meta.k8s.io")
    return wish == "All"


def goes_on(version: str, after: Start) -> str:
    """The `continue` of a list whose page ended here."""
    return base64.urlsafe_b64encode(orjson.dumps({"v": version, "after": after})).decode()


def _went_on(token: str) -> tuple[str, Start]:
    try:
        found = orjson.loads(base64.urlsafe_b64decode(token))
        version, (namespace, name) = found["v"], found["after"]
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise Malformed("continue-unreadable", "continue key is not valid: it is of no list of this server") from None
    if not all(isinstance(part, str) for part in (version, namespace, name)):
        raise Gone("continue-unreadable", "continue key is not valid: it is of no list of this server")
    return version, (namespace, name)


def form(request: web.BaseRequest) -> Form:
    """The first form of `Accept` that can be given; raises `Unsupported` (406) when none can."""
    accepted = request.headers.get("Accept", "") or "*/*"
    for offer in accepted.split(","):
        media, *parameters = (part.strip() for part in offer.split(";"))
        if media not in ("application/json", "*/*", "application/*"):
            continue
        wanted = dict(parameter.partition("=")[::2] for parameter in parameters)
        match wanted.get("as", ""):
            case "":
                return Form.WHOLE
            case "PartialObjectMetadata" | "PartialObjectMetadataList" if wanted.get("v") == "v1":
                return Form.METADATA
    raise Unsupported("not-acceptable", "only the following media types are accepted: application/json")
