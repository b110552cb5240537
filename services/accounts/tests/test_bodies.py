"""Every write of accounts with bodies that are none: each is refused in its dialect's words, and nothing changes.

The writes are read off the routes, so that a new one is tried as soon as it is there.
"""

from __future__ import annotations

import json
import re
from typing import Any, get_origin

from libs.shared.http.faults import dialect_of
from libs.shared.http.identity import GATEWAY
from libs.shared.http.route import Access, Dialect, Route
from libs.shared.kinds.serve import routes
from libs.shared.objects.shapes import ObjectShape
from libs.shared.store.protocol import Find
from services.accounts.app import DOCUMENTS, SERVICE
from services.accounts.shapes.session import TokenForm
from services.accounts.tests.served import IAM, RAW, TENANT, USERS, Asked
from services.accounts.tests.stage import Stage
from services.accounts.tests.test_rest import user_body, workspace_body

FORM = "application/x-www-form-urlencoded"
WRITES = tuple(
    route for route in (*SERVICE.routes, *routes(SERVICE.kinds)) if route.body is not None or route.method != "GET"
)
WHO = {Access.INTERNAL: GATEWAY, Access.GATEWAY: GATEWAY}
"""Who may ask; else the administrator."""
NAMES = {"users": "bob", "globalroles": "ops", "globalrolebindings": "team", "workspacetemplates": "ws1"}
NAMES |= {
    "workspaces": "ws1",
    "workspaceroles": "ws1-dev",
    "workspacerolebindings": "ws1-team",
    "workspacemembers": "bob",
}
DEEP = b'{"metadata":' * 6000 + b"1" + b"}" * 6000
"""More than 64 KiB, closed as it should be."""
NOTHING: dict[str, bytes] = {
    "nothing": b"",
    "broken": b'{"metadata": {"name": "x"',
    "latin-1": b'{"metadata": {"name": "b\xf6b"}}',
    "deep": DEEP,
    "endless": b"[" * 70_000,
    "not a number": b'{"metadata": NaN}',
    "text": b'"metadata"',
    "number": b"7",
}
"""Bodies that no write takes."""


OF_OBJECTS: dict[str, bytes] = {
    "an array": b"[]",
    "metadata of another type": b'{"metadata": ["x"]}',
    "a name of another type": b'{"metadata": {"name": 7}}',
    "labels of another type": b'{"metadata": {"name": "bob", "labels": ["a"]}}',
    "a label of another type": b'{"metadata": {"name": "bob", "labels": {"a": 1}}}',
    "a name that is none": b'{"metadata": {"name": "../N O\\u0000"}}',
    "a name twice": b'{"metadata": {"name": "bob", "name": "N O"}}',
}
OF_LISTS: dict[str, bytes] = {
    "an object": b"{}",
    "a number in it": b"[7]",
    "null in it": b"[null]",
    "a field missing": b'[{"username": "bob", "path": "/a"}]',
    "a field of another type": b'[{"username": 7, "roleRef": "ws1-viewer", "op": 7, "path": "/a"}]',
}
OF_OTHERS: dict[str, bytes] = {
    "an array": b"[]",
    "a field missing": b"{}",
    "fields of another type": b'{"password": 7, "username": 7, "roleRef": 7}',
    "null": b'{"password": null, "username": null, "roleRef": null}',
}
FORMS: dict[str, bytes] = {
    "nothing": b"",
    "no client": b"grant_type=password&username=admin&password=x",
    "another grant": b"grant_type=implicit&client_id=kubesphere&client_secret=kubesphere",
    "no UTF-8": b"grant_type=\xff&client_id=kubesphere",
    "too many fields": b"&".join(b"a%d=1" % number for number in range(1000)),
}


def called(route: Route) -> str:
    """The path with names of what is there."""
    path = route.path
    while found := re.search(r"/(\w+)/{\w+}", path):
        path = path.replace(found[0], f"/{found[1]}/{NAMES[found[1]]}")
    return path


def bodies(route: Route) -> dict[str, bytes]:
    """Bodies that this write doesn't take."""
    if route.body is TokenForm:
        return FORMS
    if route.method == "DELETE":
        return {name: raw for name, raw in NOTHING.items() if raw}
    if get_origin(route.body) is list:
        return NOTHING | OF_LISTS
    return NOTHING | (OF_OBJECTS if isinstance(route.body, type) and issubclass(route.body, ObjectShape) else OF_OTHERS)


def media(route: Route) -> str:
    """A media type that the route takes."""
    raw = dialect_of(route.path) is Dialect.KUBERNETES
    if route.body is TokenForm:
        return FORM
    return "application/merge-patch+json" if raw and route.method == "PATCH" else "application/json"


async def everything(stage: Stage) -> dict[str, Any]:
    """All that is kept, and how far the store is."""
    kept: dict[str, Any] = {}
    for document in DOCUMENTS:
        found = await stage.parts.store.of(document).find(Find(limit=1000))
        kept[document.__name__] = sorted(str(one.model_dump()) for one in found)
    return kept


async def furnished(ask: Asked) -> None:
    """One thing of each kind."""
    template = {"iam.kubesphere.io/aggregation-roles": '["role-template-view-users"]'}
    here = {"kubesphere.io/workspace": "ws1"}
    subjects = [{"kind": "Group", "name": "team"}]
    for path, body in (
        (USERS, user_body("bob")),
        (TENANT + "/workspacetemplates", workspace_body("ws1")),
        (IAM + "/workspaces/ws1/workspacemembers", [{"username": "bob", "roleRef": "ws1-viewer"}]),
        (IAM + "/globalroles", {"metadata": {"name": "ops", "annotations": template}}),
        (IAM + "/workspaces/ws1/workspaceroles", {"metadata": {"name": "ws1-dev"}}),
        (
            RAW + "/globalrolebindings",
            {"metadata": {"name": "team"}, "subjects": subjects, "roleRef": {"name": "platform-regular"}},
        ),
        (
            RAW + "/workspacerolebindings",
            {
                "metadata": {"name": "ws1-team", "labels": here},
                "subjects": subjects,
                "roleRef": {"name": "ws1-viewer"},
            },
        ),
    ):
        answer = await ask("POST", path, body)
        assert answer.status in (200, 201), answer.text


def in_its_dialect(route: Route, status: int, kind: str, text: str) -> bool:
    """Whether a refusal is worded as the family of the path words refusals."""
    match route.dialect or dialect_of(route.path):
        case Dialect.KUBERNETES:
            said = json.loads(text)
            return bool(said["kind"] == "Status" and said["code"] == status and said["message"])
        case Dialect.KUBESPHERE:
            return kind == "text/plain" and text.endswith("\n") and "Traceback" not in text
        case Dialect.OAUTH:
            return status == 415 or "error" in json.loads(text)
        case _:
            return kind == "application/problem+json" and json.loads(text)["status"] == status


def test_there_are_writes_of_every_sort() -> None:
    """The walk is over what is really served: each method, each dialect, arrays and forms."""
    assert {route.method for route in WRITES} == {"POST", "PUT", "PATCH", "DELETE"}
    assert {route.dialect or dialect_of(route.path) for route in WRITES} == set(Dialect) - {Dialect.MESSAGE}
    assert len(WRITES) > 40
    assert [route.path for route in WRITES if route.body is None and route.method != "DELETE"] == []


async def refused(ask: Asked, route: Route, raw: bytes) -> str:
    """Empty where this body gets a 4xx in the route's words, else what came instead."""
    who = WHO.get(route.access, "admin")
    answer = await ask(route.method, called(route), raw=raw, media=media(route), who=who)
    if 400 <= answer.status < 500 and in_its_dialect(route, answer.status, answer.type, answer.text):
        return ""
    return f"{route.method} {route.path}: {answer.status} {answer.type} {answer.text[:80]}"


async def test_bodies_that_are_none(ask: Asked, stage: Stage) -> None:
    """Empty, broken, of another encoding or type, nested without end, with fields missing or twice: refused by every
    write, and nothing is changed. What KubeSphere's deletions carry is passed over, as the original does.
    """
    await furnished(ask)
    before = await everything(stage)
    for route in WRITES:
        if route.method == "DELETE" and dialect_of(route.path) is not Dialect.KUBERNETES:
            continue
        for name, raw in bodies(route).items():
            assert (name, await refused(ask, route, raw)) == (name, "")
    assert await everything(stage) == before


async def test_ten_megabytes(ask: Asked, stage: Stage) -> None:
    """Are too much for every write, deletions too."""
    await furnished(ask)
    before = await everything(stage)
    for route in WRITES:
        raw, who = b" " * (10 << 20), WHO.get(route.access, "admin")
        answer = await ask(route.method, called(route), raw=raw, media=media(route), who=who)
        assert (route.method, route.path, answer.status) == (route.method, route.path, 413)
        assert in_its_dialect(route, answer.status, answer.type, answer.text)
    assert await everything(stage) == before
