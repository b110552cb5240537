"""Pictures that apps show (devops-apps-mesh 11.6): whoever knows an id may see the file."""

from __future__ import annotations

import base64
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from aiohttp import web

from libs.shared.errors import Malformed, Missing, Unsupported
from libs.shared.http.reading import raw_body
from libs.shared.http.route import MIB, Access, Route
from services.openpitrix.commands import category as commands
from services.openpitrix.domain.category import Attachment
from services.openpitrix.domain.naming import identity
from services.openpitrix.parts import Parts
from services.openpitrix.rest.wording import V1
from services.openpitrix.shapes.template import LARGEST_PICTURE

MOST: Final = 100
SAFE: Final = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
"""Files of strangers: whatever is in them, no browser runs it on our origin."""


async def attached(content: bytes, parts: Parts) -> str:
    """Keep a picture; its id."""
    digest, name = await parts.desk.blobs.put(content), identity("att", parts.desk.ids())
    kept = Attachment(id=name, digest=digest, size=len(content), created_at=parts.clock())
    await parts.store.transact(commands.keep_attachment, kept)
    return name


def first_file(raw: bytes, media: str) -> bytes:
    """What the first part of a form (RFC 7578) holds, byte by byte. Raises `Malformed` where there is none."""
    head = f"Content-Type: {media}\r\n\r\n".encode(errors="replace")
    form = BytesParser(policy=HTTP).parsebytes(head + raw)
    part = next(form.iter_parts(), None) if form.is_multipart() else None
    content = part.get_payload(decode=True) if part is not None else None
    if not isinstance(content, bytes):
        raise Malformed("form", "the form holds no file")
    return content


async def create_attachment(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Keep the first file of a form."""
    if request.content_type != "multipart/form-data":
        raise Unsupported("media-type", "415: Unsupported Media Type")
    content = first_file(await raw_body(request), request.headers["Content-Type"])
    if len(content) > LARGEST_PICTURE:
        raise Malformed("picture-too-large", f"a file has at most {LARGEST_PICTURE} bytes")
    return web.json_response({"attachment_id": await attached(content, parts)})


async def get_attachment(request: web.Request, parts: Parts) -> web.StreamResponse:
    """The file in base64, or with `filename=raw` itself."""
    kept = await parts.store.of(Attachment).look(request.match_info["attachment"])
    if kept is None:
        raise Missing("attachment-missing", "download file failed")
    content = await parts.desk.blobs.get(kept.digest)
    if request.query.get("filename") == "raw":
        return web.Response(body=content, content_type="application/octet-stream", headers=SAFE)
    answer = {"attachment_id": kept.id, "attachment_content": {"raw": base64.b64encode(content).decode()}}
    return web.json_response(answer)


async def delete_attachments(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Forget the files of these ids, separated by commas; the sweeper takes what they held."""
    names = request.match_info["attachment"].split(",")[:MOST]
    await parts.store.transact(commands.drop_attachments, names)
    return web.Response(status=web.HTTPOk.status_code)


ONE: Final = V1 + "/attachments/{attachment}"
TAGS: Final = ("attachments",)
ROUTES = (
    Route("POST", V1 + "/attachments", create_attachment, tags=TAGS, max_body=2 * MIB),
    Route(
        "GET",
        ONE,
        get_attachment,
        access=Access.PUBLIC,
        tags=TAGS,
        parameters=(("filename", "raw: the file itself, not in base64"),),
    ),
    Route("DELETE", ONE, delete_attachments, tags=TAGS),
)
