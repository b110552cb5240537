"""What a decision costs with 10,000 users, 1,000 workspaces and 100,000 bindings, against pycasbin on the same rules.

    python -m tests.bench.authorization [--users 10000] [--workspaces 1000] [--bindings 100000] [--asks 100000]

Both get the same roles, bindings and questions in one run, and must agree on every answer. pycasbin has the model that
its documents give for roles in domains, with a global domain beside each workspace's; it is asked fewer questions, as
it takes far longer. Prints p50 and p99 of a decision, the time to apply one changed binding, and the ratios.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import casbin
from casbin.persist import load_policy_line

from libs.shared.contracts import accounts_v1 as accounts
from libs.shared.event import Event
from services.gateway.domain.attributes import Attributes, read_attributes
from services.gateway.domain.caller import AUTHENTICATED, Caller
from services.gateway.domain.changes import apply
from services.gateway.domain.decision import allowed
from services.gateway.domain.index import Index
from services.gateway.domain.path import read_path

AT = datetime(2030, 1, 1, tzinfo=UTC)
READ = ("get", "list", "watch")
IAM = "/kapis/iam.kubesphere.io/v1alpha2"
MODEL = """
[request_definition]
r = sub, dom, grp, res, act
[policy_definition]
p = sub, dom, grp, res, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = (g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "global")) && (p.dom == r.dom || p.dom == "global") && \
(p.grp == r.grp || p.grp == "*") && (p.res == r.res || p.res == "*") && (p.act == r.act || p.act == "*")
"""
Rules = dict[str, tuple[accounts.Rule, ...]]


def rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> accounts.Rule:
    """A PolicyRule."""
    return accounts.Rule(api_groups=tuple(groups), resources=tuple(resources), verbs=tuple(verbs))


GLOBAL: Rules = {
    "platform-admin": (rule(["*"], ["*"], ["*"]),),
    "everybody": (
        rule(["iam.kubesphere.io"], ["users"], ["list"]),
        rule(["config.kubesphere.io"], ["configs"], ["get", "list"]),
        rule(["resources.kubesphere.io"], ["registry", "git"], ["get", "create"]),
        rule(["resources.kubesphere.io"], ["clusters", "namespaces", "services"], ["list"]),
        rule(["*"], ["storageclasses", "storageclasscapabilities", "nodes"], ["get", "list"]),
        rule(["openpitrix.io"], ["apps", "apps/versions", "repos"], ["*"]),
        rule(["tenant.kubesphere.io"], ["workspacetemplates"], ["patch"]),
    ),
}
WORKSPACE: Rules = {
    "admin": (rule(["*"], ["*"], ["*"]),),
    "viewer": (rule(["*"], ["*"], READ),),
    "regular": (rule(["*"], ["workspaces", "workspacemembers"], READ),),
    "self-provisioner": (
        rule(["*"], ["workspaces", "workspacemembers", "quotas", "abnormalworkloads", "pods"], READ),
        rule(["*"], ["namespaces", "devops", "devopsprojects"], ["create", "watch"]),
        rule(["openpitrix.io"], ["*"], ["*"]),
    ),
}


@dataclass(frozen=True, slots=True)
class Binding:
    """A user's role in a workspace."""

    user: str
    workspace: str
    base: str

    @property
    def event(self) -> accounts.WorkspaceRoleBound:
        """As accounts tells it."""
        role = f"{self.workspace}-{self.base}"
        subject = accounts.Subject(kind="User", name=self.user)
        return accounts.WorkspaceRoleBound(
            binding=f"{self.user}-{role}", workspace=self.workspace, role=role, subjects=(subject,)
        )


@dataclass(frozen=True, slots=True)
class World:
    """Who there is, and what is asked."""

    users: tuple[str, ...]
    workspaces: tuple[str, ...]
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as each of the two is asked it."""

    caller: Caller
    asked: Attributes
    casbin: tuple[str, str, str, str, str]


def made(users: int, workspaces: int, bindings: int, chance: random.Random) -> World:
    """A world with these numbers; every user is bound in about as many workspaces as any other."""
    names, places = tuple(f"u{i}" for i in range(users)), tuple(f"w{i}" for i in range(workspaces))
    pairs: dict[tuple[str, str], str] = {}
    while len(pairs) < bindings:
        pairs[chance.choice(names), chance.choice(places)] = chance.choice(tuple(WORKSPACE))
    return World(names, places, tuple(Binding(u, w, base) for (u, w), base in pairs.items()))


def events(world: World) -> Iterator[Event]:
    """The world as accounts tells it."""
    for name, rules in GLOBAL.items():
        yield accounts.GlobalRoleCreated(role=name, rules=rules)
    everybody = accounts.Subject(kind="Group", name=AUTHENTICATED)
    yield accounts.GlobalRoleBound(binding="all", role="everybody", subjects=(everybody,))
    admin = accounts.Subject(kind="User", name=world.users[0])
    yield accounts.GlobalRoleBound(binding="admin", role="platform-admin", subjects=(admin,))
    for user in world.users:
        yield accounts.UserCreated(user=user, state="Active")
    for workspace in world.workspaces:
        yield accounts.WorkspaceCreated(workspace=workspace)
        for base, rules in WORKSPACE.items():
            yield accounts.WorkspaceRoleCreated(role=f"{workspace}-{base}", workspace=workspace, rules=rules)
    for binding in world.bindings:
        yield binding.event


def flat(rules: Rules) -> Iterator[tuple[str, str, str, str]]:
    """Role, group, resource and verb, one line each: a casbin policy has no lists."""
    for role, found in rules.items():
        for one in found:
            for group in one.api_groups:
                for resource in one.resources:
                    for verb in one.verbs:
                        yield role, group, resource, verb


def peer(world: World) -> casbin.Enforcer:
    """pycasbin with the same rules: a workspace's roles are one policy for all workspaces, bound in each."""
    model = casbin.Enforcer.new_model(text=MODEL)
    enforcer = casbin.Enforcer(model)
    lines = [
        *(["p", f"g:{role}", "global", *rest] for role, *rest in flat(GLOBAL)),
        *(["p", f"w:{role}", "global", *rest] for role, *rest in flat(WORKSPACE)),
        *(["g", user, "g:everybody", "global"] for user in world.users),
        ["g", world.users[0], "g:platform-admin", "global"],
        *(["g", b.user, f"w:{b.base}", b.workspace] for b in world.bindings),
    ]
    for line in lines:
        load_policy_line(", ".join(line), model)
    enforcer.build_role_links()
    enforcer.enable_auto_build_role_links(True)
    return enforcer


def questions(world: World, count: int, chance: random.Random) -> list[Question]:
    """Requests of members and strangers, a third each in a workspace of theirs, in any, and of the platform."""
    paths = ("workspacemembers", "workspaceroles", "groups")
    verbs = (("GET", "list"), ("POST", "create"))
    found = []
    for i in range(count):
        binding = chance.choice(world.bindings)
        user, resource, (method, verb) = binding.user, chance.choice(paths), chance.choice(verbs)
        workspace = binding.workspace if i % 3 == 0 else chance.choice(world.workspaces)
        if i % 3 == 2:  # the last third
            resource, workspace, path = "users", "none", f"{IAM}/users"
        else:
            path = f"{IAM}/workspaces/{workspace}/{resource}"
        asked = read_attributes(method, read_path(path), "")
        flat_question = (user, workspace, "iam.kubesphere.io", resource, verb)
        found.append(Question(Caller.of(user, (AUTHENTICATED,)), asked, flat_question))
    return found


def timed(run: Callable[[Question], bool], asked: Sequence[Question]) -> tuple[list[bool], list[float]]:
    """The answers, and what each took in microseconds: the median of three, so that a busy machine counts less."""
    answers, took = [], []
    for question in asked:
        tries = []
        for _ in range(3):
            began = time.perf_counter_ns()
            answer = run(question)
            tries.append((time.perf_counter_ns() - began) / 1000)
        took.append(statistics.median(tries))
        answers.append(answer)
    return answers, took


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def changes(index: Index, enforcer: casbin.Enforcer, world: World, count: int) -> tuple[float, float]:
    """Median microseconds to apply one changed binding, here and there: removed, and made again."""
    here, there = [], []
    for n, binding in enumerate(world.bindings[:count]):
        event = binding.event
        gone = accounts.WorkspaceRoleUnbound(binding=event.binding, workspace=event.workspace, role=event.role)
        began = time.perf_counter_ns()
        apply(index, gone, 2 * n + 2, AT)
        apply(index, event, 2 * n + 3, AT)
        here.append((time.perf_counter_ns() - began) / 2000)
        row = [binding.user, f"w:{binding.base}", binding.workspace]
        began = time.perf_counter_ns()
        enforcer.remove_grouping_policy(*row)
        enforcer.add_grouping_policy(*row)
        there.append((time.perf_counter_ns() - began) / 2000)
    return statistics.median(here), statistics.median(there)


def main() -> None:
    """Make the world, ask both, print the figures."""
    parser = argparse.ArgumentParser()
    for name, usual in (("users", 10_000), ("workspaces", 1_000), ("bindings", 100_000), ("asks", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--peer-asks", type=int, default=2_000)
    options = parser.parse_args()
    chance = random.Random(1)  # noqa: S311  # the same world each time
    world = made(options.users, options.workspaces, options.bindings, chance)
    index, began = Index(), time.perf_counter()
    for event in events(world):
        apply(index, event, 1, AT)
    loaded = time.perf_counter() - began
    enforcer, asked = peer(world), questions(world, options.asks, chance)
    ours, took = timed(lambda q: allowed(index, q.caller, q.asked), asked)
    theirs, peer_took = timed(lambda q: bool(enforcer.enforce(*q.casbin)), asked[: options.peer_asks])
    if theirs != ours[: len(theirs)]:
        raise SystemExit("the two disagree: the figures mean nothing")
    applied, peer_applied = changes(index, enforcer, world, 500)
    print(
        f"{options.users} users, {options.workspaces} workspaces, {len(index.bindings)} bindings; {sum(ours)} allowed"
    )
    print(f"index filled from events    {loaded:8.2f} s")
    for name, here, there in (
        ("decision p50", percentile(took, 0.5), percentile(peer_took, 0.5)),
        ("decision p99", percentile(took, 0.99), percentile(peer_took, 0.99)),
        ("one changed binding", applied, peer_applied),
    ):
        print(f"{name:22}{here:10.2f} µs   pycasbin {there:12.2f} µs   ratio {there / here:10.1f}")


if __name__ == "__main__":
    main()
