"""`/kapis/notification.orrery.io/v1`: what became of each letter, for platform administrators."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from libs.shared.http.route import Route
from services.notification.commands import letter as commands
from services.notification.parts import Parts
from services.notification.queries import letter as queries
from services.notification.shapes import letter as shapes

V1 = "/kapis/notification.orrery.io/v1"


def answered(shape: BaseModel) -> web.Response:
    """The shape as JSON, without what is None at its top."""
    return web.Response(text=shape.model_dump_json(by_alias=True, exclude_none=True), content_type="application/json")


async def list_letters(request: web.Request, parts: Parts) -> web.Response:
    """Letters, the newest first, in pages."""
    return answered(shapes.letters(await queries.find_letters(parts.store, shapes.wanted(request.rel_url.query))))


async def get_letter(request: web.Request, parts: Parts) -> web.Response:
    """One letter."""
    return answered(shapes.letter(await queries.get_letter(parts.store, request.match_info["letter"])))


async def resend_letter(request: web.Request, parts: Parts) -> web.Response:
    """Try an undeliverable letter again, to its user's present address and under the same Message-ID."""
    letter = await parts.store.transact(commands.resend_letter, request.match_info["letter"])
    return answered(shapes.letter(letter))


ROUTES = (
    Route("GET", V1 + "/letters", list_letters, answer=shapes.LettersShape, parameters=shapes.PARAMETERS),
    Route("GET", V1 + "/letters/{letter}", get_letter, answer=shapes.LetterShape),
    Route("POST", V1 + "/letters/{letter}/resend", resend_letter, answer=shapes.LetterShape),
)
