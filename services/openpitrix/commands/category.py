"""Categories and files: kept, changed, forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from libs.shared.errors import Limited
from libs.shared.store.protocol import Equal, Find, Unit
from services.openpitrix.domain import category as categories
from services.openpitrix.domain.app import UNCATEGORIZED, App
from services.openpitrix.domain.category import Attachment, Category
from services.openpitrix.domain.naming import missing

MOST = 200


async def add_category(unit: Unit, category: Category) -> None:
    """Keep a new one; raises `Exists`, and `Limited` for one too many."""
    await _require_free(unit, category.name)
    if await unit.of(Category).count() >= MOST:
        raise Limited("categories-most", f"there are at most {MOST} categories")
    await unit.of(Category).add(category)


async def change_category(unit: Unit, name: str, called: str, description: str | None) -> None:
    """Another name or description; raises `Missing`, `Exists`, `Malformed`."""
    before = await unit.of(Category).look(name)
    if before is None:
        raise missing("helmcategories", name)
    changed: dict[str, object] = {}
    if called and called != before.name:
        categories.check_name(called)
        await _require_free(unit, called)
        changed["name"] = called
    if description is not None:
        changed["description"] = description[: categories.LONGEST_DESCRIPTION]
    await unit.of(Category).put(before.model_copy(update=changed))


async def delete_category(unit: Unit, name: str) -> None:
    """Forget one that no app is in; raises `Conflict`. The one that stays, and one that isn't there, is left."""
    category = await unit.of(Category).look(name)
    if category is None or name == UNCATEGORIZED:
        return
    if await unit.of(App).find(Find((Equal("category", name),), limit=1)):
        raise categories.in_use(category)
    await unit.of(Category).drop(name)


async def keep_uncategorized(unit: Unit) -> None:
    """See that the one is there that is always there."""
    if await unit.of(Category).look(UNCATEGORIZED) is None:
        await unit.of(Category).add(categories.uncategorized(unit.at))


async def keep_attachment(unit: Unit, attachment: Attachment) -> None:
    """Keep a file's name."""
    await unit.of(Attachment).add(attachment)


async def drop_attachments(unit: Unit, names: Sequence[str]) -> None:
    """Forget files; those that aren't there are passed over."""
    for name in names:
        if await unit.of(Attachment).look(name) is not None:
            await unit.of(Attachment).drop(name)


async def _require_free(unit: Unit, name: str) -> None:
    if await unit.of(Category).find(Find((Equal("name", name),), limit=1)):
        raise categories.taken(name)
