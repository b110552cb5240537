"""Members' new roles: bound, and what they replace taken away. What was wished for is in the store, so it is done
however often this process dies on the way.
"""

from __future__ import annotations

from datetime import timedelta

from libs.shared.bell import Bell
from libs.shared.errors import Busy, Fault, Stale
from services.cluster.clients import kube
from services.cluster.commands import member as commands
from services.cluster.domain import project
from services.cluster.domain.resource import NAMESPACES, ROLE_BINDINGS, ROLES
from services.cluster.domain.shelf import Key
from services.cluster.domain.wish import Wish, step
from services.cluster.parts import Parts
from services.cluster.queries.wishes import wishes

LOOKS = 1.0
"""Seconds between two looks for wishes of other processes."""
LONGEST = timedelta(hours=1)
"""How long a cluster that can't do it is asked again."""
NEEDED = frozenset({NAMESPACES.plural, ROLES.plural, ROLE_BINDINGS.plural})


async def reconcile_members(parts: Parts) -> None:
    """For ever."""
    bell = Bell(parts.clock)
    with parts.shelf.heard(frozenset({ROLE_BINDINGS.plural}), bell.ring) as heard:
        while True:
            heard.clear()
            if all(parts.shelf.stands(plural) for plural in NEEDED):
                for wish in await wishes(parts.store):
                    await see_through(wish, parts)
            await bell.wait(LOOKS)


async def see_through(wish: Wish, parts: Parts) -> None:
    """As much of it as can be done now; what nobody can do any more is forgotten."""
    try:
        done = await _done(wish, parts)
    except (Busy, Stale) as fault:
        parts.work.journal.failed(wish.project, fault)
        done = parts.clock() - wish.at > LONGEST
    except Fault as fault:
        parts.work.journal.failed(wish.project, fault)
        done = True
    if done:
        await parts.store.transact(commands.forget_wish, wish)


async def _done(wish: Wish, parts: Parts) -> bool:
    """Bind first and take away afterwards: nobody who keeps a role loses access in between."""
    if parts.shelf.get(Key(NAMESPACES.plural, "", wish.project)) is None:
        return True
    left = step(wish, parts.shelf.all(ROLE_BINDINGS.plural, wish.project))
    if left.bind:
        if parts.shelf.get(Key(ROLES.plural, wish.project, wish.role)) is None:
            return True  # nobody is to lose what he has for a role that is gone
        made = await kube.bind(parts.kube, project.binding(wish.project, wish.user, wish.role))
        parts.shelf.take(ROLE_BINDINGS.plural, made)
    for binding in left.leave:
        await kube.release(parts.kube, parts.shelf, binding, wish.user)
    return not left.bind and not left.leave
