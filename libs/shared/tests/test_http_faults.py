"""Faults on the wire, word by word as recorded from the original where it has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web

from libs.shared import errors
from libs.shared.errors import Fault, Flaw
from libs.shared.http.faults import answer, dialect_of, miss
from libs.shared.http.route import Dialect

GROUPS = {"users": "iam.kubesphere.io"}
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
UNVERSIONED = (
    'users.iam.kubesphere.io "ann" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified '
    "for an update"
)
EVERY: tuple[tuple[type[Fault], int, str], ...] = (
    (errors.Missing, 404, "NotFound"),
    (errors.Gone, 410, "Expired"),
    (errors.Conflict, 409, "Conflict"),
    (errors.Exists, 409, "AlreadyExists"),
    (errors.Stale, 409, "Conflict"),
    (errors.Invalid, 422, "Invalid"),
    (errors.Malformed, 400, "BadRequest"),
    (errors.TooLarge, 413, "RequestEntityTooLarge"),
    (errors.Unsupported, 415, "UnsupportedMediaType"),
    (errors.Denied, 403, "Forbidden"),
    (errors.Unauthenticated, 401, "Unauthorized"),
    (errors.Busy, 503, "ServiceUnavailable"),
    (errors.Limited, 429, "TooManyRequests"),
    (errors.Broken, 500, "InternalError"),
)


def text(response: web.Response) -> str:
    return (response.body if isinstance(response.body, bytes) else b"").decode()


def body(response: web.Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text(response))
    return found


def test_every_fault_has_a_status() -> None:
    """No kind of the tree is forgotten; a bare Fault is ours to blame."""
    tree = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Fault)}
    assert {kind for kind, _, _ in EVERY} == tree - {Fault}
    assert answer(Fault("x", "y"), Dialect.KUBERNETES, {}).status == 500


@pytest.mark.parametrize(("kind", "status", "reason"), EVERY)
def test_kubernetes(kind: type[Fault], status: int, reason: str) -> None:
    """A Status with code and reason of its kind, and details of the object."""
    response = answer(kind("a-slug", "Some text", resource="users", name="ann"), Dialect.KUBERNETES, GROUPS)
    told = body(response)
    assert (response.status, told["code"], told["reason"], told["status"]) == (status, status, reason, "Failure")
    assert (told["kind"], told["apiVersion"], response.content_type) == ("Status", "v1", "application/json")
    about = {key: told["details"][key] for key in ("name", "group", "kind")}
    assert about == {"name": "ann", "group": "iam.kubesphere.io", "kind": "users"}
    assert ("Retry-After" in response.headers) == (status in (429, 503))


def test_a_status_tells_causes_and_waits() -> None:
    """Field by field, by Kubernetes' causes; seconds rounded up and at least one, in details and header alike."""
    flaws = (
        Flaw("metadata.name", "Required value: name or generateName is required"),
        Flaw("spec.email", "Invalid value: no address", "secret"),
        Flaw("spec.lang", 'Unsupported value: "xx"'),
    )
    told = body(answer(errors.Invalid("i", "t", flaws=flaws), Dialect.KUBERNETES, {}))
    reasons = [cause["reason"] for cause in told["details"]["causes"]]
    assert reasons == ["FieldValueRequired", "FieldValueInvalid", "FieldValueNotSupported"]
    assert "secret" not in json.dumps(told)
    for wait, seconds in ((0, 1), (1.2, 2), (30, 30)):
        response = answer(errors.Limited("l", "t", retry_after=wait), Dialect.KUBERNETES, {})
        assert response.headers["Retry-After"] == str(seconds)
        assert body(response)["details"]["retryAfterSeconds"] == seconds


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (
            errors.Exists("e", "taken", resource="users", name="ann"),
            409,
            'users.iam.kubesphere.io "ann" already exists\n',
        ),
        (
            errors.Missing("m", "gone", resource="users", name="nobody-here"),
            404,
            'users.iam.kubesphere.io "nobody-here" not found\n',
        ),
        (
            errors.Missing(
                "m", 'globalrole.iam.kubesphere.io "no-such-role" not found', resource="users", name="no-such-role"
            ),
            404,
            'globalrole.iam.kubesphere.io "no-such-role" not found\n',
        ),
        (errors.Missing("m", "none", resource="namespaces", name="p"), 404, 'namespaces "p" not found\n'),
        (
            errors.Stale("s", "changed", resource="users", name="ann"),
            409,
            'Operation cannot be fulfilled on users.iam.kubesphere.io "ann": ' + MODIFIED + "\n",
        ),
        (
            errors.Invalid(
                "i",
                UNVERSIONED,
                resource="users",
                name="ann",
                flaws=(Flaw("metadata.resourceVersion", "must be specified for an update", 0),),
            ),
            422,
            UNVERSIONED + "\n",
        ),
        (errors.Malformed("m", "EOF"), 400, "EOF\n"),
        (errors.Malformed("m", "<a> & 'b' \"c\""), 400, "&lt;a&gt; &amp; 'b' \"c\"\n"),
        (errors.Gone("g", "too old", resource="users", name="ann"), 410, "too old\n"),
    ],
)
def test_kubesphere(fault: Fault, status: int, said: str) -> None:
    """The recorded texts: bare, escaped, with a newline, never to be sniffed."""
    response = answer(fault, Dialect.KUBESPHERE, GROUPS)
    assert (response.status, text(response)) == (status, said)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (
            errors.Invalid("invalid_grant", "incorrect password"),
            400,
            {"error": "invalid_grant", "error_description": "incorrect password"},
        ),
        (
            errors.Unauthenticated("invalid_client", "invalid client credential"),
            401,
            {"error": "invalid_client", "error_description": "invalid client credential"},
        ),
        (errors.Malformed("unsupported_grant_type", ""), 400, {"error": "unsupported_grant_type"}),
        (errors.Unauthenticated("login_required", ""), 401, {"error": "login_required"}),
        (
            errors.Limited("too-many-failures", "auth rate limit exceeded"),
            429,
            {"error": "invalid_grant", "error_description": "auth rate limit exceeded"},
        ),
        (
            errors.Broken("disk", "/x: full"),
            500,
            {"error": "server_error", "error_description": "Internal server error"},
        ),
    ],
)
def test_oauth(fault: Fault, status: int, said: dict[str, str]) -> None:
    """The recorded bodies; what is our own word for an error becomes OAuth's."""
    response = answer(fault, Dialect.OAUTH, {})
    assert (response.status, body(response)) == (status, said)


def test_oauth_takes_forms_alone() -> None:
    """Another media type is refused in the router's plain text."""
    response = answer(errors.Unsupported("media-type", "JSON"), Dialect.OAUTH, {})
    assert (response.status, text(response), response.content_type) == (
        415,
        "415: Unsupported Media Type",
        "text/plain",
    )


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (errors.Broken("store-io", "/srv/a.db: failed", resource="users", name="bob"), 500, "Internal server error"),
        (errors.Busy("store-full", "/srv/a.db: full", public="no space is left"), 503, "no space is left"),
    ],
)
def test_what_operators_are_told_is_not_for_clients(fault: Fault, status: int, said: str, dialect: Dialect) -> None:
    """Files and hosts stay in the log: clients are told that it is broken, or what the fault has for them."""
    response = answer(fault, dialect, {})
    assert response.status == status
    assert said in text(response)
    assert "/srv" not in text(response)


def test_problem_details() -> None:
    """RFC 9457 with the slug as the type's tail, and flaws without the values."""
    fault = errors.Invalid("limit", "limit is 1 to 9", flaws=(Flaw("limit", "1 to 9", "hunter2"),))
    response = answer(fault, Dialect.ORRERY, {})
    assert response.content_type == "application/problem+json"
    assert body(response) == {
        "type": "urn:orrery:problem:limit",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "limit is 1 to 9",
        "slug": "limit",
        "flaws": [{"field": "limit", "detail": "1 to 9"}],
    }


def test_what_is_unsupported_has_its_own_status() -> None:
    """Methods and watches are 405, an Accept that can't be met 406, the rest 415."""
    statuses = {"method-not-allowed": 405, "watch-unsupported": 405, "not-acceptable": 406, "media-type": 415}
    for slug, status in statuses.items():
        assert answer(errors.Unsupported(slug, "no"), Dialect.KUBERNETES, {}).status == status


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/kapis/iam.kubesphere.io/v1alpha2/users", Dialect.KUBESPHERE),
        ("/kapis/iam.kubesphere.io/v1alpha2/users/orrery.io/x", Dialect.KUBESPHERE),
        ("/kapis/notorrery.io/v1", Dialect.KUBESPHERE),
        ("/kapis/events.orrery.io/v1/events", Dialect.ORRERY),
        ("/kapis/orrery.io/v1/parked", Dialect.ORRERY),
        ("/internal/accounts/v1/keys", Dialect.ORRERY),
        ("/oauth/token", Dialect.OAUTH),
        ("/oauthx", Dialect.KUBERNETES),
        ("/apis/iam.kubesphere.io/v1alpha2/users", Dialect.KUBERNETES),
        ("/version", Dialect.KUBERNETES),
    ],
)
def test_a_path_tells_its_dialect(path: str, dialect: Dialect) -> None:
    """By family and group, never by what stands further on."""
    assert dialect_of(path) is dialect


def test_misses() -> None:
    """The router's own refusals, as each family words them."""
    for status in (404, 405, 406, 415):
        response = miss(status, Dialect.KUBESPHERE, "/kapis/x/v1/y")
        assert (response.status, text(response)[:5]) == (status, f"{status}: ")
        for path in ("/apis/x", "/internal/x"):
            told = miss(status, dialect_of(path), path)
            assert (told.status, told.content_type.endswith("json")) == (status, True)
    assert text(miss(404, Dialect.KUBERNETES, "/nothing")) == "404 page not found\n"
    assert body(miss(404, Dialect.KUBERNETES, "/api"))["message"] == "the server could not find the requested resource"
