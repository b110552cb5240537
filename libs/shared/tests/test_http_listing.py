"""Every rule of KubeSphere's two listing dialects, and of our own limit."""

from __future__ import annotations

from typing import Any

import pytest

from libs.shared.errors import Malformed
from libs.shared.http.listing import limit_of, listed, listed_legacy, paged


def thing(name: str, day: int, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    created = f"2026-01-{day:02}T00:00:00Z"
    return {"metadata": {"name": name, "creationTimestamp": created, "labels": labels or {}, **more}}


THINGS = (
    thing("ann", 1, {"team": "a"}, uid="u1", annotations={"kubesphere.io/alias-name": "First Light"}),
    thing("ben", 3, {"team": "b"}, ownerReferences=[{"kind": "Job", "uid": "o1"}]),
    thing("cid", 2, namespace="p1", annotations={"kubesphere.io/creator": "admin"}),
    thing("bea", 3, {"team": "a"}),
)


def names(answer: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in answer["items"]]


def asked(**query: str) -> list[str]:
    return names(listed(THINGS, query))


def test_newest_first_and_ties_by_name() -> None:
    """Without a sort the newest comes first; what is equally old comes Z to A, and the other way round ascending."""
    assert asked() == ["ben", "bea", "cid", "ann"]
    assert asked(ascending="true") == ["ann", "cid", "bea", "ben"]
    assert asked(sortBy="colour") == asked()
    assert asked(sortBy="createTime") == asked(sortBy="creationTimestamp") == asked()


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_ascending_is_gos_bool(text: str) -> None:
    """What Go's ParseBool takes for true sorts upwards; anything else does not."""
    assert asked(sortBy="name", ascending=text) == ["ann", "bea", "ben", "cid"]
    for other in ("yes", "0", "f", "tRUE", ""):
        assert asked(sortBy="name", ascending=other) == ["cid", "ben", "bea", "ann"]


def test_pages() -> None:
    """Pages count from 1; past the end there is nothing, and the total stays."""
    assert asked(sortBy="name", limit="3") == ["cid", "ben", "bea"]
    assert asked(sortBy="name", limit="3", page="2") == ["ann"]
    for query in ({"limit": "3", "page": "9"}, {"limit": "0"}, {"limit": "-2"}, {"limit": "2", "page": "0"}):
        assert listed(THINGS, query) == {"items": [], "totalItems": 4}
    for everything in ({"limit": "-1"}, {"limit": "many"}, {"limit": "-1", "page": "7"}, {"page": "7"}):
        assert len(listed(THINGS, everything)["items"]) == 4
    assert asked(sortBy="name", limit="3", page="one") == ["cid", "ben", "bea"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"name": "be"}, ["ben", "bea"]),
        ({"names": "ann,cid,zoe"}, ["cid", "ann"]),
        ({"alias": "Light"}, ["ann"]),
        ({"uid": "u1"}, ["ann"]),
        ({"namespace": "p1"}, ["cid"]),
        ({"ownerReference": "o1"}, ["ben"]),
        ({"ownerKind": "Job"}, ["ben"]),
        ({"label": "team=a"}, ["bea", "ann"]),
        ({"label": "!!!"}, []),
        ({"labelSelector": "team in (b)"}, ["ben"]),
        ({"labelSelector": "!!!"}, ["ben", "bea", "cid", "ann"]),
        ({"annotation": "kubesphere.io/creator"}, ["cid"]),
        ({"name": "be", "label": "team=a"}, ["bea"]),
        ({"colour": "red"}, []),
        ({"_": "1"}, []),
    ],
)
def test_filters(query: dict[str, str], wanted: list[str]) -> None:
    """Each filter of the spec, alone and together; one that nobody knows leaves nothing."""
    answer = listed(THINGS, query)
    assert names(answer) == wanted
    assert answer["totalItems"] == len(wanted)


def test_a_resource_adds_filters_and_sorts() -> None:
    """What a resource knows besides the common ones."""
    extra = {"team": lambda item, value: item["metadata"]["labels"].get("team") == value}
    assert names(listed(THINGS, {"team": "b"}, filters=extra)) == ["ben"]
    by_team = {"team": lambda item: item["metadata"]["labels"].get("team", "")}
    assert names(listed(THINGS, {"sortBy": "team", "limit": "1"}, sorts=by_team)) == ["ben"]


def test_the_legacy_dialect() -> None:
    """Oldest first, ten a page, conditions, an explicit start."""
    many = [thing(f"n{i:02}", 1 + i) for i in range(12)]
    assert names(listed_legacy(many, {})) == [f"n{i:02}" for i in range(10)]
    assert listed_legacy(many, {})["total_count"] == 12
    assert names(listed_legacy(many, {"paging": "limit=5,page=3"})) == ["n10", "n11"]
    assert names(listed_legacy(many, {"limit": "5", "start": "11"})) == ["n11"]
    assert names(listed_legacy(many, {"reverse": "true", "limit": "2"})) == ["n11", "n10"]
    assert names(listed_legacy(THINGS, {"conditions": "name=ann|ben"})) == ["ann", "ben"]
    assert names(listed_legacy(THINGS, {"conditions": "keyword=be"})) == ["bea", "ben"]
    assert names(listed_legacy(THINGS, {"conditions": "name~Light"})) == ["ann"]
    assert names(listed_legacy(THINGS, {"conditions": "team=a,name~be"})) == ["bea"]
    assert names(listed_legacy(THINGS, {"conditions": "annotation~x"})) == []
    assert names(listed_legacy(THINGS, {"orderBy": "name", "reverse": "1", "limit": "-1"})) == [
        "cid",
        "ben",
        "bea",
        "ann",
    ]
    for broken in ("name", "a b=c", "(x)=1"):
        with pytest.raises(Malformed, match="invalid conditions"):
            listed_legacy(THINGS, {"conditions": broken})


def test_our_own_limit_is_refused_outside_its_bounds() -> None:
    """1 to 1,000, in digits, or an error that says so."""
    assert limit_of({}) == 100
    assert limit_of({"limit": "1000"}) == 1000
    for wrong in ("0", "-5", "1001", "ten", "", "1e2", "\u0661", "9" * 50):
        with pytest.raises(Malformed, match="from 1 to 1000"):
            limit_of({"limit": wrong})


def test_our_own_pages_go_on_where_the_last_ended() -> None:
    """In the order of keys, each once, though things come and go between two pages; the last names no next."""
    words = {"a", "b", "c", "d", "e"}
    page, after = paged(words, str, {"limit": "2"})
    assert (page, after) == (["a", "b"], "b")
    page, after = paged((words | {"aa", "f"}) - {"b", "c"}, str, {"limit": "2", "after": after})
    assert (page, after) == (["d", "e"], "e")
    assert paged(words | {"f"}, str, {"limit": "2", "after": "e"}) == (["f"], "")
    assert paged(words, str, {"limit": "5"}) == (sorted(words), "")
    assert paged((), str, {}) == ([], "")
    for wrong in ("x" * 513, "a\nb", "\x00"):
        with pytest.raises(Malformed, match="the page before"):
            paged(words, str, {"after": wrong})


def test_a_selector_without_end_is_one_that_does_not_parse() -> None:
    """Too long a selector is as wrong as any other: everything for labelSelector, nothing for label."""
    long = ",".join(["a=b"] * 10_000)
    assert listed(THINGS, {"labelSelector": long})["totalItems"] == 4
    assert listed(THINGS, {"label": long})["totalItems"] == 0
