"""Writes of kinds: create, PUT, patches, delete; what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest

from libs.shared.tests.kinds_service import API, VAULTS, Bank, Vault, bank


@pytest.fixture
async def served(tmp_path):
    async with bank(tmp_path) as running:
        yield running


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def test_an_object_is_made_and_read_without_its_secret(served: Bank):
    """Create answers 201 with the whole object; the code is kept as a digest and shown nowhere."""
    made = await served.make("a", colour="red", code="1234")
    assert made["apiVersion"] == "bank.example.io/v1beta1"
    assert made["kind"] == "Vault"
    assert made["spec"] == {"colour": "red"}
    assert made["metadata"]["uid"] == "uid-a"
    assert int(made["metadata"]["resourceVersion"]) > 0
    assert made["status"]["setBy"] == "ann"
    assert await served.ask("GET", f"{VAULTS}/a") == (200, made)
    assert await served.digest("a") == sha("1234")


async def test_a_name_is_generated(served: Bank):
    """generateName gives a free name each time."""
    body = {"metadata": {"generateName": "run-"}, "spec": {}}
    names = {(await served.ask("POST", VAULTS, body))[1]["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"spec": {}}, 422, 'Vault.bank.example.io "" is invalid: metadata.name: Required value: name or'),
        (
            {"metadata": {"name": "Bad_X"}},
            422,
            'Vault.bank.example.io "Bad_X" is invalid: metadata.name: Invalid value',
        ),
        ({"metadata": {"name": "b", "labels": {"a": 1}}}, 422, "metadata.labels: must be an object of texts"),
        ({"metadata": []}, 400, "metadata is an object"),
        ({"metadata": {"name": "b", "resourceVersion": "3"}}, 400, "resourceVersion should not be set"),
        ({"metadata": {"name": "b", "namespace": "x"}}, 400, "the namespace of the provided object does not match"),
        ({"apiVersion": "v1", "metadata": {"name": "b"}}, 400, "the API version in the data (v1) does not match"),
        ({"kind": "Slot", "metadata": {"name": "b"}}, 400, "the kind in the data (Slot) does not match"),
        ({"metadata": {"name": "b"}, "spec": 5}, 422, "spec: Input should be"),
        ({"metadata": {"name": "b"}, "spec": {"colour": "ugly"}}, 422, "ugly is no colour"),
        ([], 400, "the body is to be a JSON object"),
    ],
)
async def test_creates_that_are_refused(served: Bank, body, code, message):
    """Each wrong object gets its status and sentence, and nothing is made."""
    status, answer = await served.ask("POST", VAULTS, body)
    assert (status, answer["code"]) == (code, code)
    assert message in answer["message"]
    assert await served.parts.store.of(Vault).count() == 0


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", 400),
        (b"{oops", 400),
        (b'{"metadata": {"name": "b"}, "metadata": {"name": "c"}}', 400),
        (b'{"metadata": {"name": "\xff"}}', 400),
        (b'{"metadata": {"name": "b", "annotations": {"a": "\\ud800"}}}', 400),
        (b'{"metadata": {"name": "b"}, "spec": NaN}', 400),
        (b"[" * 65536, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b'{"metadata": {"name": "b"}, "x": "' + b"y" * (10 << 20) + b'"}', 413),
    ],
)
async def test_bodies_that_can_not_be_read(served: Bank, raw, code):
    """Broken JSON, duplicate keys, invalid UTF-8, deep nesting and 10 MB are refused on create, update and patch."""
    made = await served.make("b", colour="red")
    for method, path, media in (
        ("POST", VAULTS, "application/json"),
        ("PUT", f"{VAULTS}/b", "application/json"),
        ("PATCH", f"{VAULTS}/b", "application/merge-patch+json"),
        ("PATCH", f"{VAULTS}/b", "application/json-patch+json"),
    ):
        status, answer = await served.ask(method, path, raw=raw, headers={"Content-Type": media})
        assert (status, answer["kind"]) == (code, "Status")
    assert await served.ask("GET", f"{VAULTS}/b") == (200, made)


async def test_duplicates(served: Bank):
    """A second create of a name is 409 AlreadyExists in Kubernetes' words, and takes no time to hash anything."""
    await served.make("a", code="x")
    served.parts.prepared.clear()
    status, answer = await served.ask("POST", VAULTS, {"metadata": {"name": "a"}})
    assert (status, answer["reason"]) == (409, "AlreadyExists")
    assert answer["message"] == 'vaults.bank.example.io "a" already exists'
    assert served.parts.prepared == []


async def test_put_needs_the_present_version(served: Bank):
    """PUT without a version is 422, with an old one 409, with another uid 409; with the present one it replaces."""
    made = await served.make("a", colour="red", code="1")
    body = {"metadata": {"name": "a"}, "spec": {"colour": "blue"}}
    status, answer = await served.ask("PUT", f"{VAULTS}/a", body)
    assert status == 422
    assert answer["message"] == (
        'vaults.bank.example.io "a" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an'
        " update"
    )
    body["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"]
    status, changed = await served.ask("PUT", f"{VAULTS}/a", body)
    assert (status, changed["spec"], changed["metadata"]["uid"]) == (200, {"colour": "blue"}, "uid-a")
    assert await served.digest("a") == sha("1")
    status, answer = await served.ask("PUT", f"{VAULTS}/a", body)
    assert (status, answer["reason"]) == (409, "Conflict")
    assert answer["message"] == (
        'Operation cannot be fulfilled on vaults.bank.example.io "a": the object has been modified; please apply your'
        " changes to the latest version and try again"
    )
    changed["metadata"]["uid"] = "another"
    status, answer = await served.ask("PUT", f"{VAULTS}/a", changed)
    assert status == 409
    assert "Precondition failed: UID in precondition: another, UID in object meta: uid-a" in answer["message"]


async def test_a_write_of_nothing_changes_nothing(served: Bank):
    """PUT of the same object and a patch that changes nothing leave version and generation as they are."""
    made = await served.make("a", colour="red")
    assert await served.ask("PUT", f"{VAULTS}/a", made) == (200, made)
    assert await served.patch(f"{VAULTS}/a", {"spec": {"colour": "red"}}) == (200, made)


async def test_put_of_another_name_or_of_nothing(served: Bank):
    """The name in the body must be the one in the path; a missing object is 404."""
    made = await served.make("a")
    made["metadata"]["name"] = "b"
    status, answer = await served.ask("PUT", f"{VAULTS}/a", made)
    assert status == 400
    assert answer["message"] == "the name of the object (b) does not match the name on the URL (a)"
    status, answer = await served.ask("PUT", f"{VAULTS}/b", made)
    assert (status, answer["message"]) == (404, 'vaults.bank.example.io "b" not found')


async def test_the_first_sign_in_of_the_console(served: Bank):
    """One JSON patch removes an annotation and replaces a write-only field that nobody can read."""
    body = {"metadata": {"name": "a", "annotations": {"bank.example.io/uninitialized": "true"}}, "spec": {"code": "0"}}
    await served.ask("POST", VAULTS, body)
    change = [
        {"op": "remove", "path": "/metadata/annotations/bank.example.io~1uninitialized"},
        {"op": "replace", "path": "/spec/code", "value": "new"},
    ]
    status, answer = await served.patch(f"{VAULTS}/a", change, "json")
    assert status == 200
    assert not answer["metadata"]["annotations"]
    assert "code" not in answer["spec"]
    assert await served.digest("a") == sha("new")


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/spec/code", "value": "0"},
        {"op": "copy", "from": "/spec/code", "path": "/spec/colour"},
        {"op": "move", "from": "/spec/code", "path": "/spec/colour"},
        {"op": "remove", "path": "/spec/code"},
        {"op": "copy", "from": "/spec/colour", "path": "/spec/code"},
        {"op": "test", "path": "/spec", "value": {"colour": "red", "code": "0"}},
    ],
)
async def test_a_write_only_field_can_not_be_read_or_tested(served: Bank, operation):
    """No operation tells what stands in a write-only field, even next to one that sets it."""
    made = await served.make("a", colour="red", code="0")
    status, answer = await served.patch(
        f"{VAULTS}/a", [{"op": "add", "path": "/spec/code", "value": "1"}, operation], "json"
    )
    assert status == 422
    assert '"0"' not in json.dumps(answer)
    assert await served.ask("GET", f"{VAULTS}/a") == (200, made)
    assert await served.digest("a") == sha("0")


async def test_merge_patches(served: Bank):
    """A merge patch merges, null removes, a write-only field is set and a null one is no change to it."""
    await served.make("a", colour="red", code="0", labels={"x": "1", "y": "2"})
    status, answer = await served.patch(
        f"{VAULTS}/a", {"metadata": {"labels": {"x": None, "z": "3"}}, "spec": {"colour": None, "code": "new"}}
    )
    assert (status, answer["metadata"]["labels"], answer["spec"]) == (200, {"y": "2", "z": "3"}, {})
    assert await served.digest("a") == sha("new")
    assert (await served.patch(f"{VAULTS}/a", {"spec": {"code": None}}))[0] == 200
    assert await served.digest("a") == sha("new")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"metadata": {"uid": "other"}}, 422, 'metadata.uid: Invalid value: "other": field is immutable'),
        ({"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}, 422, "field is immutable"),
        ({"metadata": {"name": "b"}}, 400, "does not match the name on the URL"),
        ({"metadata": {"resourceVersion": "1000000"}}, 409, "the object has been modified"),
        ({"metadata": {"resourceVersion": "x"}}, 422, "must be a version that was read"),
        ({"metadata": {"labels": {"a": "b c"}}}, 422, "a valid label must be"),
        ({"kind": "Slot"}, 400, "the kind in the data"),
        ({"spec": {"colour": "ugly"}}, 422, "ugly is no colour"),
        ([1], 400, "a merge patch of an object is an object"),
    ],
)
async def test_patches_that_are_refused(served: Bank, change, code, message):
    """Immutable metadata, stale versions, wrong values: refused with a sentence, nothing changed."""
    made = await served.make("a", colour="red")
    status, answer = await served.patch(f"{VAULTS}/a", change)
    assert status == code
    assert message in answer["message"]
    assert await served.ask("GET", f"{VAULTS}/a") == (200, made)


@pytest.mark.parametrize(
    "media", ["application/apply-patch+yaml", "application/strategic-merge-patch+json", "text/plain"]
)
async def test_other_patches_say_what_is_accepted(served: Bank, media):
    """Apply and strategic patches are 415, and the answer names the two types that are taken."""
    await served.make("a")
    status, answer = await served.ask("PATCH", f"{VAULTS}/a", raw=b"{}", headers={"Content-Type": media})
    assert status == 415
    assert answer["message"].endswith("include: application/json-patch+json, application/merge-patch+json")


async def test_concurrent_patches_all_count(served: Bank):
    """Twenty patches of different labels at once are all applied: each is tried again when another came between."""
    await served.make("a")
    answers = await asyncio.gather(
        *(served.patch(f"{VAULTS}/a", {"metadata": {"labels": {f"l{number}": "x"}}}) for number in range(20))
    )
    assert {status for status, _ in answers} == {200}
    _, thing = await served.ask("GET", f"{VAULTS}/a")
    assert len(thing["metadata"]["labels"]) == 20


async def test_dry_runs_keep_nothing(served: Bank):
    """dryRun=All answers as the write would, refusals included, and keeps nothing; another value is refused."""
    body = {"metadata": {"name": "a"}, "spec": {"colour": "red"}}
    status, answer = await served.ask("POST", f"{VAULTS}?dryRun=All", body)
    assert (status, answer["spec"]) == (201, {"colour": "red"})
    assert (await served.ask("GET", f"{VAULTS}/a"))[0] == 404
    made = await served.make("a", colour="red")
    assert (await served.patch(f"{VAULTS}/a?dryRun=All", {"spec": {"colour": "blue"}}))[1]["spec"]["colour"] == "blue"
    assert (await served.patch(f"{VAULTS}/a?dryRun=All", {"spec": {"colour": "ugly"}}))[0] == 422
    assert (await served.ask("DELETE", f"{VAULTS}/a?dryRun=All"))[0] == 200
    assert (await served.ask("DELETE", f"{VAULTS}/a", {"dryRun": ["All"]}))[0] == 200
    assert await served.ask("GET", f"{VAULTS}/a") == (200, made)
    assert (await served.ask("POST", f"{VAULTS}?dryRun=some", body))[0] == 422


async def test_deletions(served: Bank):
    """Delete answers a Status that names the object; preconditions, policies and the command's own refusal count."""
    made = await served.make("a")
    for wanted in ({"uid": "other"}, {"resourceVersion": "999999"}):
        status, answer = await served.ask("DELETE", f"{VAULTS}/a", {"kind": "DeleteOptions", "preconditions": wanted})
        assert status == 409
        assert "Precondition failed" in answer["message"]
    assert (await served.ask("DELETE", f"{VAULTS}/a?propagationPolicy=Sometimes"))[0] == 422
    assert (await served.ask("DELETE", f"{VAULTS}/a", {"kind": "Vault"}))[0] == 400
    fine = {"uid": "uid-a", "resourceVersion": made["metadata"]["resourceVersion"]}
    assert await served.ask("DELETE", f"{VAULTS}/a", {"preconditions": fine}) == (
        200,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": "a", "group": "bank.example.io", "kind": "vaults", "uid": "uid-a"},
        },
    )
    assert (await served.ask("DELETE", f"{VAULTS}/a"))[0] == 404
    await served.make("main")
    assert (await served.ask("DELETE", f"{VAULTS}/main"))[0] == 403


async def test_a_deletion_that_takes_its_time_answers_the_object(served: Bank):
    """Where the command lets the object live on, the answer is the object; the policy reaches it from the body too."""
    await served.make("a")
    status, answer = await served.ask("DELETE", f"{VAULTS}/a", {"propagationPolicy": "Orphan"})
    assert (status, answer["kind"], answer["status"]["sealed"]) == (200, "Vault", True)


async def test_what_has_no_command_is_not_allowed(served: Bank):
    """A slot can be made and not changed or removed; no collection is deleted as a whole."""
    assert (await served.ask("POST", f"{API}/namespaces/x/slots", {"metadata": {"name": "s"}}))[0] == 201
    for method, path in (
        ("PUT", f"{API}/namespaces/x/slots/s"),
        ("PATCH", f"{API}/namespaces/x/slots/s"),
        ("DELETE", f"{API}/namespaces/x/slots/s"),
        ("DELETE", VAULTS),
    ):
        async with served.session.request(method, served.url + path) as response:
            assert response.status == 405


@pytest.mark.parametrize(
    "names",
    [["a\r\nX-Forged: 1\x00\u2028é"], [f"field{number}" for number in range(10_000)], ["x" * 99_999]],
    ids=["odd", "many", "long"],
)
async def test_warnings_fit_into_headers(served: Bank, names):
    """A field may be called anything, and there may be many: no header is forged, or too much to read."""
    body = {"metadata": {"name": "a"}, "spec": {}, **dict.fromkeys(names, 1)}
    async with served.session.post(served.url + VAULTS, json=body) as response:
        assert response.status == 201
        assert "X-Forged" not in response.headers
        warned = response.headers.getall("Warning")
    assert 0 < sum(map(len, warned)) < 6000
    assert names[0][0] in warned[0]
    assert all(text.isprintable() for text in warned)


async def test_unknown_fields(served: Bank):
    """Strict refuses them, Warn says so in a header, Ignore is silent; write-only values appear in none of these."""
    body = {"metadata": {"name": "a"}, "spec": {"code": "s3cret", "shape": "round"}, "extra": 1}
    status, answer = await served.ask("POST", f"{VAULTS}?fieldValidation=Strict", body)
    assert status == 400
    assert answer["message"].endswith('strict decoding error: unknown field "spec.shape", unknown field "extra"')
    async with served.session.post(served.url + VAULTS, json=body) as response:
        assert response.status == 201
        assert response.headers.getall("Warning") == [
            '299 - "unknown field \\"spec.shape\\""',
            '299 - "unknown field \\"extra\\""',
        ]
    body["metadata"] = {"name": "b"}
    async with served.session.post(served.url + VAULTS + "?fieldValidation=Ignore", json=body) as response:
        assert (response.status, "Warning" in response.headers) == (201, False)
    assert (await served.ask("POST", f"{VAULTS}?fieldValidation=Perhaps", body))[0] == 422
    status, answer = await served.ask("POST", VAULTS, {"metadata": {"name": "c"}, "spec": {"code": ["s3cret"]}})
    assert status == 422
    assert "s3cret" not in json.dumps(answer)
