"""Who sees what: administrators, members, outsiders; namespaces that are gone or were made anew; hostile questions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.logging.domain.entry import moment
from services.logging.domain.space import Space
from services.logging.tests.stage import T2, Person, ask, line, logs, opened, placed, send, serving

NEW = moment("2031-01-01T00:00:00Z", "since")
NINA = Person(namespaces=["shop"], workspaces=["orchard"], may=["shop"])
OLGA = Person(workspaces=["orchard"], may=["shop", "lab", "orchard"])
PEOPLE = {"nina": NINA, "olga": OLGA, "xeno": Person()}


def event(namespace: str, reason: str, *, at: str = "2031-05-06T08:00:00Z", kind: str = "Pod") -> dict[str, Any]:
    """A Kubernetes event about something there."""
    about = {"kind": kind, "name": "cart-0", "uid": f"u-{namespace}"} | ({"namespace": namespace} if namespace else {})
    return {"involvedObject": about, "reason": reason, "message": f"{reason} happened", "lastTimestamp": at}


def record(
    namespace: str, workspace: str, user: str, *, at: str = "2031-05-06T08:00:00Z", verb: str = "create"
) -> dict[str, Any]:
    """An audit record."""
    return {
        "AuditID": f"{namespace}/{workspace}/{user}/{at}",
        "Workspace": workspace,
        "Verb": verb,
        "Level": "Metadata",
        "User": {"Username": user, "Groups": ["a", "b"]},
        "SourceIPs": ["10.0.0.1"],
        "ObjectRef": {"Resource": "users", "Namespace": namespace, "Name": "n"},
        "ResponseStatus": {"code": 201, "status": "Success"},
        "RequestReceivedTimestamp": at,
    }


async def test_logs_by_rights(tmp_path: Path) -> None:
    """Administrators see all, members what they may read, an outsider nothing; naming a namespace changes nothing."""
    async with opened(tmp_path) as parts, serving(parts, **PEOPLE) as (client, gateway):
        await placed(parts, {"shop": "orchard", "lab": "orchard", "dock": "harbor"}, NEW)
        await send(client, *(line(name, name) for name in ("shop", "lab", "dock", "gone")))
        assert set(await logs(client, "")) == {"shop", "lab", "dock", "gone"}
        assert await logs(client, "namespaces=gone") == []
        assert set(await logs(client, "", "olga")) == {"shop", "lab"}
        assert await logs(client, "", "nina") == ["shop"]
        assert await logs(client, "workspaces=harbor") == ["dock"]
        assert await logs(client, "namespaces=shop,lab,dock,gone", "nina") == ["shop"]
        assert await logs(client, "namespaces=shop", "xeno") == []
        assert await ask(client, "/logs", "xeno") == {"query": {"total": 0}}
        assert await ask(client, "/logs?operation=histogram", "xeno") == {"histogram": {"total": 0, "histograms": None}}
        gateway.down = True
        async with client.get(f"{T2}/logs", headers={"Orrery-Identity": "nina"}) as response:
            assert response.status == 503


async def test_a_namespace_made_anew(tmp_path: Path) -> None:
    """A member reads nothing of what was there before under that name: of logs, events and audit."""
    old = "2030-12-31T23:59:59Z"
    async with opened(tmp_path) as parts, serving(parts, **PEOPLE) as (client, _):
        await placed(parts, {"shop": "orchard"}, NEW)
        await send(client, line("former", "shop", at=old), line("own", "shop"))
        await send(client, event("shop", "Former", at=old), event("shop", "Own"), index="ks-logstash-events")
        documents = [record("shop", "", "former", at=old), record("shop", "", "own")]
        await send(client, *documents, index="ks-logstash-auditing")
        assert await logs(client, "", "nina") == ["own"]
        for path, who in (("/events", "nina"), ("/events", "admin"), ("/auditing/events", "nina")):
            assert (await ask(client, path, who))["query"]["total"] == 1
        parts.spaces.keep(Space("shop", "harbor", moment("2031-06-01T00:00:00Z", "since")))
        assert await logs(client, "", "nina") == []


async def test_events_by_rights(tmp_path: Path) -> None:
    """Events of nodes are for who may list all events and asks for no place."""
    async with opened(tmp_path) as parts, serving(parts, **PEOPLE) as (client, _):
        await placed(parts, {"shop": "orchard", "bare": ""}, NEW)
        documents = [event("shop", "Pulled"), event("bare", "Killing"), event("", "NodeReady", kind="Node")]
        await send(client, *documents, index="ks-logstash-events-2031.05.06")
        assert (await ask(client, "/events"))["query"]["total"] == 3
        assert (await ask(client, "/events?workspace_search=orch"))["query"]["total"] == 1
        assert (await ask(client, "/events?operation=statistics", "nina"))["statistics"] == {
            "resources": 1,
            "events": 1,
        }
        assert (await ask(client, "/events?involved_object_kind_filter=Node", "olga"))["query"]["records"] is None
        assert await ask(client, "/events?from=7") == {"query": {"total": 0, "records": None}}


async def test_audit_by_rights(tmp_path: Path) -> None:
    """A record is seen by its namespace or its workspace; one of neither by administrators alone."""
    async with opened(tmp_path) as parts, serving(parts, **PEOPLE) as (client, _):
        await placed(parts, {"shop": "orchard", "lab": "orchard"}, NEW)
        documents = [record("shop", "", "a"), record("", "orchard", "b"), record("", "", "c"), record("lab", "", "d")]
        await send(client, *documents, index="ks-logstash-auditing-2031.05.06")
        assert (await ask(client, "/auditing/events"))["query"]["total"] == 4
        assert (await ask(client, "/auditing/events", "olga"))["query"]["total"] == 3
        assert (await ask(client, "/auditing/events", "nina"))["query"]["total"] == 1
        assert (await ask(client, "/auditing/events", "xeno"))["query"] == {"total": 0, "records": None}
        assert (await ask(client, "/auditing/events?workspace_filter=orchard", "olga"))["query"]["total"] == 1
        asked = "/auditing/events?operation=statistics&objectref_resource_filter=user&response_code_filter=201,x"
        assert (await ask(client, asked))["statistics"] == {"resources": 4, "events": 4}


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "log:*",
        ".*",
        "a OR b",
        "[* TO *]",
        "/.*/",
        '"',
        "((((",
        "\\",
        "\x00",
        "\U0001d54f" * 50,
        "_exists_:log",
        "{!q}",
    ],
)
async def test_hostile_words(tmp_path: Path, text: str) -> None:
    """What is syntax elsewhere is text: it finds what holds it, and never everything."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        await placed(parts, {"shop": "orchard"}, NEW)
        await send(client, line("plain line"), event("shop", "Own"), index="ks-logstash-log")
        for name in ("log_query", "pod_query", "namespace_query", "pods", "workloads", "containers", "workload_query"):
            async with client.get(f"{T2}/logs", params={name: text}) as response:
                assert (response.status, (await response.json())["query"]["total"]) == (200, 0)
        for name in ("objectref_name_search", "user_search", "verb_filter", "group_search", "source_ip_search"):
            async with client.get(f"{T2}/auditing/events", params={name: text}) as response:
                assert (response.status, (await response.json())["query"]["total"]) == (200, 0)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("start_time=yesterday", 'strconv.ParseInt: parsing "yesterday": invalid syntax\n'),
        ("end_time=99999999999999999999", "value out of range"),
        ("start_time=1935820200000", "year 9999"),
        ("size=-1", "from and size"),
        ("size=10001", "10000"),
        ("from=9999&size=2", "10000"),
        ("operation=histogram&interval=soon", "interval"),
        ("operation=histogram&interval=1ms", "buckets"),
        ("log_query=" + ",".join("x" * 1 for _ in range(1025)), "1024 items"),
        ("log_query=" + "x" * 1025, "1024 characters"),
    ],
)
async def test_questions_out_of_bounds(tmp_path: Path, query: str, said: str) -> None:
    """They are refused with 500 and a sentence, as plain text; nothing is searched for them."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        await send(client, line("a"), line("b", at="2031-05-06T22:00:00Z"))
        async with client.get(f"{T2}/logs?{query}") as response:
            assert (response.status, response.content_type) == (500, "text/plain")
            assert said in await response.text()


async def test_a_wildcard_too_many(tmp_path: Path) -> None:
    """A pattern that would take the index too long is refused."""
    async with opened(tmp_path) as parts, serving(parts) as (client, _):
        await send(client, record("", "", "a" * 100), index="ks-logstash-auditing")
        async with client.get(f"{T2}/auditing/events?user_search={'*a' * 400}") as response:
            assert response.status == 500
            assert "pattern" in await response.text()


async def test_export(tmp_path: Path) -> None:
    """All lines as text, newest first, without colours, up to a bound; nothing for who may read nothing."""
    async with opened(tmp_path, export_lines=2500) as parts, serving(parts, xeno=Person()) as (client, _):
        await send(
            client, *(line(f"{n} \x1b[31mred\x1b[0m\n", at=f"2031-05-0{1 + n // 1000}T08:00:00Z") for n in range(3000))
        )
        async with client.get(f"{T2}/logs?operation=export") as response:
            assert (response.content_type, response.headers["Content-Disposition"]) == ("text/plain", "attachment")
            lines = (await response.text()).splitlines()
        assert len(lines) == 2500
        assert (lines[0], lines[1000], lines[-1]) == ("2000 red", "1000 red", "499 red")
        async with client.get(f"{T2}/logs?operation=export", headers={"Orrery-Identity": "xeno"}) as response:
            assert (response.status, await response.text()) == (200, "")
