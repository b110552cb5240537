"""WorkspaceTemplate and Workspace through `/apis/tenant.kubesphere.io`.

Every signed-in user passes the gateway with a PATCH of any workspace template, since the role `authenticated` allows it
and expects the handler to look again: the console's path does, KubeSphere's raw one doesn't. Here both do. Another
manager becomes admin of the workspace, so naming one takes the right to everything.
"""

from __future__ import annotations

from libs.shared.kinds.kind import Ask, JsonObject, Kind
from libs.shared.store.protocol import Unit
from services.accounts.commands import workspace as commands
from services.accounts.domain import workspace as domain
from services.accounts.domain.resource import TEMPLATES, TENANT, WORKSPACES
from services.accounts.domain.workspace import Workspace, WorkspaceWish
from services.accounts.parts import CHANGES_WORKSPACES, EVERYTHING, MANAGES_CLUSTERS
from services.accounts.shapes import workspace as shapes

ORPHAN = "Orphan"


async def create(unit: Unit, wish: JsonObject, ask: Ask) -> Workspace:
    """Make a workspace."""
    wanted = shapes.wish(wish)
    _refuse_clusters(WorkspaceWish(wanted.name), wanted, ask)
    return await commands.create_workspace(unit, wanted, uid=unit.id, by=ask.user, at=ask.at)


def vet(before: Workspace, ask: Ask) -> None:
    """Whoever may not change workspaces isn't shown one either for a patch that changes nothing."""
    if not ask.answers.get(CHANGES_WORKSPACES.name):
        raise TEMPLATES.denied(before.name, f'User "{ask.user}" may not change workspaces')


async def update(unit: Unit, before: Workspace, wish: JsonObject, ask: Ask) -> Workspace:
    """Change a workspace."""
    wanted = shapes.wish(wish)
    if wanted.manager != before.manager and not ask.answers.get(EVERYTHING.name):
        raise TEMPLATES.denied(before.name, f'User "{ask.user}" may name another manager only through /kapis')
    _refuse_clusters(before, wanted, ask)
    version = str(before.stamp.revision)
    return await commands.change_workspace(unit, wanted, version, uid=unit.id, by=ask.user, at=ask.at)


async def remove(unit: Unit, before: Workspace, ask: Ask) -> None:
    """Remove a workspace; `propagationPolicy=Orphan` keeps its projects."""
    orphan = ask.options.get("propagationPolicy") == ORPHAN
    await commands.delete_workspace(unit, before.name, orphan=orphan, by=ask.user)


def _refuse_clusters(before: Workspace | WorkspaceWish, wanted: WorkspaceWish, ask: Ask) -> None:
    domain.check_placement(before, wanted, by=ask.user, places=bool(ask.answers.get(MANAGES_CLUSTERS.name)))


WORKSPACE_TEMPLATE = Kind(
    group=TENANT,
    version="v1alpha2",
    kind=TEMPLATES.kind,
    plural=TEMPLATES.plural,
    singular=TEMPLATES.singular,
    document=Workspace,
    show=shapes.template,
    model=shapes.TemplateShape,
    create=create,
    update=update,
    vet=vet,
    remove=remove,
    categories=("tenant",),
    questions=(CHANGES_WORKSPACES, MANAGES_CLUSTERS, EVERYTHING),
)
WORKSPACE = Kind(
    group=TENANT,
    version="v1alpha1",
    kind=WORKSPACES.kind,
    plural=WORKSPACES.plural,
    singular=WORKSPACES.singular,
    document=Workspace,
    show=shapes.workspace,
    model=shapes.WorkspaceShape,
    categories=("tenant",),
)
