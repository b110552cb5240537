"""Which projects there are, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from libs.shared.contracts.devops_v1 import Rule
from libs.shared.store.protocol import Equal, Find, OneOf, Store
from services.devops.domain import role as roles
from services.devops.domain.person import Person
from services.devops.domain.project import Project
from services.devops.domain.resource import PROJECTS, ROLES, USERS, path_of
from services.devops.domain.role import GROUP, USER, Binding, Role, Seed, Seeds, member_key


@dataclass(frozen=True, slots=True)
class Member:
    """A user and the name of his role in the project."""

    person: Person
    role: str


async def project(store: Store, name: str, workspace: str = "") -> Project:
    """The project, of that workspace where one is named. Raises `Missing`."""
    found = await store.of(Project).look(name)
    if found is None or (workspace and found.workspace != workspace):
        raise PROJECTS.missing(name)
    return found


async def called(store: Store, workspace: str, generate_name: str) -> Project | None:
    """The project of a workspace that is called so."""
    found = await store.of(Project).find(Find((Equal("called", f"{workspace}/{generate_name}"),), limit=1))
    return found[0] if found else None


async def of_workspace(store: Store, workspace: str) -> list[Project]:
    """All projects of a workspace."""
    return await store.of(Project).find(Find((Equal("workspace", workspace),)))


async def joined(store: Store, workspace: str, user: str, groups: Iterable[str] = ()) -> list[Project]:
    """The projects of a workspace in which a role is bound to the user or to a group of his."""
    subjects = (member_key(USER, user), *(member_key(GROUP, group) for group in groups))
    bindings = await store.of(Binding).find(Find((OneOf("members", subjects),)))
    mine = {binding.project for binding in bindings}
    return [one for one in await of_workspace(store, workspace) if one.name in mine]


async def members(store: Store, name: str) -> list[Member]:
    """Users whom a role of the project is bound to by name; who isn't known as a user is passed over."""
    found: dict[str, str] = {}
    for binding in await store.of(Binding).find(Find((Equal("project", name),))):
        for subject in binding.subjects:
            if subject.kind == USER:
                found.setdefault(subject.name, binding.role)
    people = await store.of(Person).find(Find((OneOf("name", tuple(found)),))) if found else []
    return [Member(person, found[person.name]) for person in people]


async def member(store: Store, name: str, user: str) -> Member:
    """One of them. Raises `Missing`."""
    for one in await members(store, name):
        if one.person.name == user:
            return one
    raise USERS.missing(user, who=USERS.singular)


async def own_roles(store: Store, name: str) -> list[Role]:
    """The roles of a project."""
    return await store.of(Role).find(Find((Equal("project", name),)))


async def own_role(store: Store, name: str, role: str) -> Role:
    """One of them. Raises `Missing`."""
    found = await store.of(Role).look(path_of(name, role))
    if found is None:
        raise ROLES.missing(role, who=ROLES.singular)
    return found


async def held(store: Store, name: str, user: str, groups: Iterable[str] = ()) -> list[Role]:
    """The roles that a user has in a project, by his name or a group of his."""
    subjects = (member_key(USER, user), *(member_key(GROUP, group) for group in groups))
    bindings = await store.of(Binding).find(Find((OneOf("members", subjects), Equal("project", name))))
    wanted = {binding.role for binding in bindings}
    return [role for role in await own_roles(store, name) if role.name in wanted]


async def held_templates(store: Store, name: str, user: str, seeds: Seeds) -> list[Seed]:
    """The templates that his roles there are made of, each once."""
    found: dict[str, Seed] = {}
    for role in await held(store, name, user):
        for template in roles.aggregated(role.annotations):
            if template in seeds.templates:
                found[template] = seeds.templates[template]
    return list(found.values())


async def held_rules(store: Store, name: str, user: str, groups: Iterable[str] = ()) -> tuple[Rule, ...]:
    """What he may do there by roles of the project."""
    return tuple(rule for role in await held(store, name, user, groups) for rule in role.rules)
