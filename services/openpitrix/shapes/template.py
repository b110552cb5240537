"""Uploaded apps and versions as they are sent (devops-apps-mesh 11.3, 11.4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from libs.shared.errors import Malformed, TooLarge
from services.openpitrix.domain.app import LONGEST_TEXT, TEXTS, check_name
from services.openpitrix.domain.chart import Chart
from services.openpitrix.shapes.moments import filled
from services.openpitrix.shapes.repo import Wire, checked

LARGEST_PICTURE: Final = 1 << 20
LONGEST_ICON: Final = 4096


class TemplateShape(Wire):
    """An app as it is uploaded; packages are archives in base64."""

    name: str | None = None
    icon: str | None = None
    version_name: str | None = None
    version_package: str | None = None
    version_type: str | None = None


class ChangeShape(Wire):
    """What is to be said of an app, or a picture that it shows."""

    name: str | None = None
    category_id: str | None = None
    abstraction: str | None = None
    description: str | None = None
    home: str | None = None
    readme: str | None = None
    tos: str | None = None
    keywords: str | None = None
    maintainers: str | None = None
    sources: str | None = None
    type: str | None = None
    sequence: int | None = None
    attachment_content: str | None = None


class VersionShape(Wire):
    """A version as it is uploaded or changed."""

    package: str | None = None
    name: str | None = None
    description: str | None = None


class ActionShape(Wire):
    """A step of a version or an app on its way."""

    action: str | None = None
    message: str | None = None


def decoded(text: str | None, field: str) -> bytes:
    """Base64; raises `Malformed` naming the field."""
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("base64", f"{field} should be base64 (RFC 4648)") from None


def change(body: Mapping[str, Any]) -> ChangeShape:
    """Out of a body; raises `Malformed` naming the field that is wrong."""
    read: ChangeShape = checked(ChangeShape, body)
    return read


def changes(read: ChangeShape) -> dict[str, object]:
    """What an app is to say, by its own fields. Raises `Malformed`, `TooLarge`."""
    found: dict[str, object] = {key: said for key in TEXTS if (said := getattr(read, key)) is not None}
    long = [key for key, said in found.items() if len(str(said)) > LONGEST_TEXT]
    if long:
        raise TooLarge("app-text", f"{long[0]} of an app has at most {LONGEST_TEXT} letters")
    if read.name:
        check_name(read.name)
        found["name"] = read.name
    if read.category_id is not None:
        found["category"] = read.category_id
    return found


def picture(text: str | None, field: str) -> bytes:
    """A picture in base64; raises `Malformed`, `TooLarge`."""
    content = decoded(text, field)
    if len(content) > LARGEST_PICTURE:
        raise TooLarge("picture-too-large", f"a picture has at most {LARGEST_PICTURE} bytes")
    return content


def validated(chart: Chart) -> dict[str, str]:
    """What an archive was found to be."""
    return filled(
        {
            "name": chart.name,
            "version_name": chart.title,
            "description": chart.description,
            "icon": chart.icon,
        }
    )
