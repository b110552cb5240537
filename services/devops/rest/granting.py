"""Nobody hands on more than he has: looked at before a role is made, changed or bound (KubeSphere does not)."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from libs.shared.contracts.devops_v1 import Rule
from libs.shared.errors import Denied
from libs.shared.http.answers import holds
from libs.shared.http.identity import caller
from services.devops.domain.project import Project
from services.devops.domain.role import covers
from services.devops.parts import Parts
from services.devops.queries import project as queries
from services.devops.shapes.project import rule


async def vet(request: web.Request, project: Project, rules: Sequence[Rule], parts: Parts, *, what: str) -> None:
    """Raise `Denied` unless the caller holds all of these rules in the project: by its own roles, or by those of its
    workspace or the platform, which the gateway knows.
    """
    who = caller(request)
    own = await queries.held_rules(parts.store, project.name, who.user, who.groups)
    left = [one for one in rules if not covers(own, one)]
    if left and not await holds(request, project.workspace, [rule(one) for one in left]):
        raise Denied("escalation", f'User "{who.user}" may not grant {what}: it allows more than they hold')


async def vet_member(request: web.Request, project: Project, name: str, parts: Parts) -> None:
    """Raise `Denied` where another member is allowed more in the project than the caller, who would demote or remove
    him; oneself one may always demote and remove.
    """
    if name != caller(request).user:
        rules = await queries.held_rules(parts.store, project.name, name)
        await vet(request, project, rules, parts, what=f'or take what member "{name}" has')
