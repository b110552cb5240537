"""Categories of the store (devops-apps-mesh 11.6)."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from libs.shared.http.reading import lenient_object
from libs.shared.http.route import Route
from libs.shared.http.schemas import Done
from libs.shared.store.protocol import Equal, Find
from services.openpitrix.commands import category as commands
from services.openpitrix.domain import category as categories
from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Category
from services.openpitrix.domain.naming import STORE_REPO, identity, missing
from services.openpitrix.domain.version import State
from services.openpitrix.parts import Parts
from services.openpitrix.rest.wording import SUCCESS, V1, asked
from services.openpitrix.shapes import listing
from services.openpitrix.shapes.listing import PARAMETERS
from services.openpitrix.shapes.moments import filled, moment
from services.openpitrix.shapes.repo import Wire, checked


class CategoryShape(Wire):
    """A category as it is made or changed; `locale` and `icon` are taken and ignored, as the original does."""

    name: str | None = None
    description: str | None = None
    locale: str | None = None


async def create_category(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Make a category."""
    read: CategoryShape = checked(CategoryShape, await lenient_object(request))
    name = identity("ctg", parts.desk.ids())
    made = categories.make(name, read.name or "", read.description or "", parts.clock())
    await parts.store.transact(commands.add_category, made)
    return web.json_response({"category_id": name})


async def list_categories(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Categories, the newest first, with how many apps of the store each has."""
    how, found = asked(request), await parts.store.of(Category).find()
    found.sort(key=lambda one: (one.created_at, one.id), reverse=True)
    items, total = listing.page(found, how)
    return web.json_response(listing.answer([await _shown(one, parts) for one in items], total))


async def get_category(request: web.Request, parts: Parts) -> web.StreamResponse:
    """One category."""
    found = await parts.store.of(Category).look(request.match_info["category"])
    if found is None:
        raise missing("helmcategories", request.match_info["category"])
    return web.json_response(await _shown(found, parts))


async def change_category(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Change name or description."""
    read: CategoryShape = checked(CategoryShape, await lenient_object(request))
    name = request.match_info["category"]
    await parts.store.transact(commands.change_category, name, read.name or "", read.description)
    return web.json_response(SUCCESS)


async def delete_category(request: web.Request, parts: Parts) -> web.StreamResponse:
    """Forget a category that no app is in."""
    await parts.store.transact(commands.delete_category, request.match_info["category"])
    return web.json_response(SUCCESS)


async def _shown(one: Category, parts: Parts) -> dict[str, Any]:
    where = (Equal("category", one.id), Equal("repo", STORE_REPO), Equal("state", State.ACTIVE))
    said = {
        "category_id": one.id,
        "name": one.name,
        "description": one.description,
        "locale": "{}",
        "create_time": moment(one.created_at),
    }
    return filled(said) | {"app_total": await parts.store.of(App).count(Find(where))}


MANY: Final = V1 + "/categories"
ONE: Final = V1 + "/categories/{category}"
TAGS: Final = ("categories",)
ROUTES = (
    Route("POST", MANY, create_category, tags=TAGS, body=CategoryShape),
    Route("GET", MANY, list_categories, tags=TAGS, parameters=PARAMETERS),
    Route("GET", ONE, get_category, tags=TAGS),
    Route("PATCH", ONE, change_category, tags=TAGS, body=CategoryShape, answer=Done),
    Route("DELETE", ONE, delete_category, tags=TAGS, answer=Done),
)
