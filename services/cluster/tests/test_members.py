"""Members and roles of a project, as the console asks for them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.shared.errors import Busy
from services.cluster.commands.member import wish_role
from services.cluster.queries.wishes import wishes
from services.cluster.tests.served import MEMBERS, PROJECT_ROLES, Asked, furnished, served
from services.cluster.tests.stage import BINDINGS, NAMESPACES, ROLES, Stage, World, binding, data, namespace, user

READS = {"get", "list", "watch"}


@pytest.fixture
async def ask(world: World) -> AsyncIterator[Asked]:
    """The service with a project p1, whose admin is bob."""
    world.accounts.users = {name: user(name) for name in ("bob", "eve", "dora")}
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened() as stage, served(stage) as asked:
        await furnished(stage)
        yield asked


async def bound(stage: Stage, name: str) -> set[str]:
    """The roles that a user has in the cluster."""
    return {
        one["roleRef"]["name"]
        async for one in stage.kube.pages(BINDINGS)
        if any(subject["name"] == name for subject in one["subjects"])
    }


async def test_who_is_invited_is_a_member(ask: Asked) -> None:
    """One write, told in the answer, seen in the lists at once, with the role; the body comes back."""
    writes = ask.stage.world.weather.writes
    writes.clear()
    body = [{"username": "eve", "roleRef": "viewer"}]
    answer = await ask("POST", MEMBERS, body)
    assert (answer.status, answer.json) == (200, body)
    assert writes == [f"create {BINDINGS}/eve-viewer"]
    assert answer.told.startswith("ProjectRoleBound=")
    found = await ask("GET", MEMBERS + "?sortBy=name&ascending=true")
    roles = {
        one["metadata"]["name"]: one["metadata"]["annotations"]["iam.kubesphere.io/role"] for one in found.json["items"]
    }
    assert roles == {"bob": "admin", "eve": "viewer"}
    assert (await ask("GET", MEMBERS + "?role=viewer")).names == ["eve"]
    assert (await ask("GET", MEMBERS + "/eve")).json["spec"]["email"] == "eve@example.com"
    again = await ask("POST", MEMBERS, body)
    assert (again.status, len(writes)) == (200, 1), "who has the role already gets it from nobody again"


async def test_another_role_takes_the_place_of_the_first(ask: Asked) -> None:
    """When the answer is there, the member has the new role alone, and the gateway is told of both bindings."""
    await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "operator"}])
    answer = await ask("PUT", MEMBERS + "/eve", {"username": "eve", "roleRef": "viewer"})
    assert answer.status == 200
    assert await bound(ask.stage, "eve") == {"viewer"}
    assert "ProjectRoleBound=" in answer.told
    assert "ProjectRoleUnbound=" in answer.told
    back = await ask("PUT", MEMBERS + "/eve", {"username": "eve", "roleRef": "operator"})
    assert back.status == 200
    assert await bound(ask.stage, "eve") == {"operator"}

    async def seen_through() -> bool:
        return not await wishes(ask.stage.parts.store)

    await ask.stage.until(seen_through)


async def test_who_is_removed_has_nothing_left(ask: Asked) -> None:
    """Every binding goes, others keep theirs in a binding of several; removing nobody is no error."""
    await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "operator"}])
    shared = binding("eve", name="team")
    shared["subjects"] += binding("dora")["subjects"]
    await ask.stage.kube.create(BINDINGS, shared)
    await ask.stage.until(lambda: len(ask.stage.parts.shelf.all("rolebindings", "p1")) == 4)
    answer = await ask("DELETE", MEMBERS + "/eve")
    assert (answer.status, answer.json) == (200, {"message": "success"})
    assert await bound(ask.stage, "eve") == set()
    assert await bound(ask.stage, "dora") == {"viewer"}
    assert (await ask("DELETE", MEMBERS + "/nobody-here")).status == 200
    assert (await ask("GET", MEMBERS + "/eve")).status == 404


async def test_a_slow_cluster_is_said_and_the_wish_stands(world: World) -> None:
    """While the cluster refuses, whoever wishes is told to come again; when it works, it is done without him."""
    world.accounts.users = {"eve": user("eve")}
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened(settle_seconds=0.3) as stage, served(stage) as ask:
        await furnished(stage)
        await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "operator"}])
        world.weather.failing = [Busy("cluster-failing", "not now")] * 1000
        answer = await ask("PUT", MEMBERS + "/eve", {"username": "eve", "roleRef": "viewer"})
        assert answer.status == 503
        assert await bound(stage, "eve") == {"operator"}
        world.weather.failing.clear()

        async def done() -> bool:
            return await bound(stage, "eve") == {"viewer"}

        await stage.until(done)


async def test_nobody_is_told_that_he_is_no_member_too_early(world: World) -> None:
    """Before the cluster's roles and bindings are known, members and roles are not there yet, which is not the same as
    none.
    """
    async with world.opened("observe") as stage, served(stage) as ask:  # nobody follows
        for method, path in (("GET", MEMBERS), ("GET", PROJECT_ROLES), ("DELETE", MEMBERS + "/eve")):
            assert (await ask(method, path)).status == 503
        assert (await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "viewer"}])).status == 503


async def test_a_wish_outlives_its_process(world: World) -> None:
    """What was wished for before a kill is done after it; who was removed meanwhile is not bound anew."""
    await world.kube.create(NAMESPACES, namespace())
    async with world.opened("follow", "observe", "projects") as stage:
        await furnished(stage)
        for name in ("eve", "dora"):
            made = await world.kube.create(BINDINGS, binding(name))
            replaced = [made["metadata"]["uid"]]
            await stage.parts.store.transact(wish_role, "p1", name, "operator", replaced)
    await world.kube.delete(f"{BINDINGS}/dora-viewer")
    async with world.opened() as stage:

        async def seen_through() -> bool:
            return not await wishes(stage.parts.store)

        await stage.until(seen_through)
        assert await bound(stage, "eve") == {"operator"}
        assert await bound(stage, "dora") == set()


async def test_nobody_hands_on_or_takes_what_they_lack(ask: Asked) -> None:
    """Roles are bound, members changed, roles deleted only by who holds all of it; the gateway is asked in the
    project.
    """
    await ask("POST", MEMBERS, [{"username": "dora", "roleRef": "viewer"}])
    admins = [{"username": "eve", "roleRef": "admin"}]
    refused = await ask("POST", MEMBERS, admins, who="dora")
    assert refused.status == 403
    assert ask.reviews.asked[0]["namespace"] == "p1"
    ask.reviews.may = READS
    assert (await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "viewer"}], who="dora")).status == 200
    assert (await ask("PUT", MEMBERS + "/bob", {"username": "bob", "roleRef": "viewer"}, who="dora")).status == 403
    assert (await ask("DELETE", MEMBERS + "/bob", who="dora")).status == 403
    assert (await ask("DELETE", PROJECT_ROLES + "/admin", who="dora")).status == 403
    assert (await ask("DELETE", MEMBERS + "/dora", who="dora")).status == 200, "everybody may leave"


async def test_paths_are_handed_on_by_who_may_do_everything(ask: Asked) -> None:
    """A role that allows paths beside resources is no way around the check."""
    about = {"name": "odd", "namespace": "p1"}
    rules = [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]
    ask.stage.parts.shelf.take("roles", {"metadata": about, "rules": rules})
    ask.reviews.may = READS
    assert (await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "odd"}], who="dora")).status == 403


BAD: tuple[tuple[object, int], ...] = (
    ([{"username": "eve", "roleRef": "none-such"}], 404),
    ([{"username": "eve"}], 400),
    ([{"username": "", "roleRef": "viewer"}], 400),
    ([{"username": "e" * 300, "roleRef": "viewer"}], 400),
    ({"username": "eve", "roleRef": "viewer"}, 400),
    (["eve"], 400),
    ([{"username": "eve", "roleRef": "viewer"}] * 101, 400),
    ([{"username": "../../eve", "roleRef": "viewer"}], 422),
)


async def test_bad_invitations_change_nothing(ask: Asked) -> None:
    """Each is refused with its own status, and nobody is bound."""
    ask.stage.world.weather.writes.clear()
    for body, status in BAD:
        answer = await ask("POST", MEMBERS, body)
        assert answer.status == status, (body, answer.text)
    assert await bound(ask.stage, "eve") == set()


async def test_roles_are_made_of_templates(ask: Asked) -> None:
    """A role has its templates' rules, whatever the body says; it is listed by `aggregateTo`, changed, and deleted."""
    notes = {"iam.kubesphere.io/aggregation-roles": '["role-template-view-volumes"]', "kubesphere.io/creator": "bob"}
    body = {
        "metadata": {"name": "dev", "annotations": notes},
        "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    }
    made = await ask("POST", PROJECT_ROLES, body)
    assert made.status == 200
    assert made.told.startswith("ProjectRoleObserved=")
    template = await ask.stage.kube.get(f"{ROLES}/role-template-view-volumes")
    assert made.json["rules"] == template["rules"]
    assert (await ask("GET", PROJECT_ROLES + "?aggregateTo=dev")).names == ["role-template-view-volumes"]
    assert (await ask("GET", PROJECT_ROLES + "?annotation=kubesphere.io/creator&name=dev")).names == ["dev"]
    patch = {"metadata": {"annotations": {"iam.kubesphere.io/aggregation-roles": "[]"}}}
    assert (await ask("PATCH", PROJECT_ROLES + "/dev", patch)).json["rules"] == []
    assert (await ask("POST", PROJECT_ROLES, body)).status == 409
    stale = {**body, "metadata": {**made.json["metadata"]}}
    assert (await ask("PUT", PROJECT_ROLES + "/dev", stale)).status == 409
    assert (await ask("DELETE", PROJECT_ROLES + "/dev")).status == 200
    assert (await ask("GET", PROJECT_ROLES + "/dev")).status == 404
    assert (await ask("DELETE", PROJECT_ROLES + "/dev")).status == 404


async def test_own_templates_are_a_bare_list(ask: Asked) -> None:
    """From what a member's roles are made of the console works out his menus; hidden templates are among it."""
    found = await ask("GET", MEMBERS + "/bob/roles")
    names = {one["metadata"]["name"] for one in found.json}
    assert {"role-template-view-volumes", "role-template-manage-members"} <= names
    assert (await ask("GET", MEMBERS + "/eve/roles")).json == []


async def test_what_happens_is_told_in_the_name_of_who_asked(ask: Asked) -> None:
    """The event of a binding made here names the administrator."""
    await ask("POST", MEMBERS, [{"username": "eve", "roleRef": "viewer"}])
    told = [
        one for one in await ask.stage.told() if one.name == "ProjectRoleBound" and data(one)["binding"] == "eve-viewer"
    ]
    assert len(told) == 1
