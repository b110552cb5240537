"""Discovery merged from several services, and objects held against a declared model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from libs.shared.errors import Invalid, Malformed
from libs.shared.kinds import discovery, schema
from libs.shared.kinds.place import Place
from libs.shared.tests.kinds_service import KINDS

VAULT, SLOT = KINDS


def test_groups_of_several_services_are_one_list():
    """A group that two services serve holds the versions and resources of both; the earlier telling of one counts."""
    here = discovery.groups([VAULT, replace(VAULT, version="v1", plural="safes")])
    there = discovery.groups([SLOT, replace(VAULT, short_names=("other",)), replace(SLOT, group="a.example.io")])
    whole = discovery.merged([here, there])
    assert [item["metadata"]["name"] for item in whole["items"]] == ["a.example.io", "bank.example.io"]
    groups = discovery.group_list(whole)
    assert groups["kind"] == "APIGroupList"
    assert [group["preferredVersion"]["version"] for group in groups["groups"]] == ["v1beta1", "v1"]
    resources = discovery.resources(whole, "bank.example.io", "v1beta1")
    assert resources is not None
    found = {resource["name"]: resource for resource in resources["resources"]}
    assert set(found) == {"vaults", "slots"}
    assert found["vaults"]["shortNames"] == ["vt"]
    assert discovery.group(whole, "none.example.io") is None
    assert discovery.resources(whole, "bank.example.io", "v9") is None


def test_versions_come_in_the_order_of_their_maturity():
    """Kubernetes' own order: stable before beta before alpha, newer before older, then whatever is no version."""
    versions = ["foo", "v1alpha1", "v1", "v2beta1", "v10", "v1beta2", "v11alpha2", "v2", "bar"]
    found = discovery.groups([replace(VAULT, version=version) for version in versions])
    assert [version["version"] for version in found["items"][0]["versions"]] == [
        "v10",
        "v2",
        "v1",
        "v2beta1",
        "v1beta2",
        "v11alpha2",
        "v1alpha1",
        "bar",
        "foo",
    ]


def test_verbs_follow_from_the_commands():
    """A kind without commands whose changes are kept can be read and watched, and nothing more is promised."""
    assert discovery.verbs(replace(VAULT, create=None, update=None, remove=None)) == ["get", "list", "watch"]
    assert discovery.verbs(SLOT) == ["create", "get", "list"]


class Inner(BaseModel):
    """Part of a model."""

    deep_name: str = Field("", alias="deepName")


class Open(BaseModel):
    """A part that takes anything."""

    model_config = ConfigDict(extra="allow")


class Model(BaseModel):
    """A model of every shape that is looked into."""

    one: Inner | None = None
    many: list[Inner] = []
    free: Open = Open()
    table: dict[str, str] = {}
    either: Inner | Open | None = None
    needed: int


MODELLED = replace(VAULT, model=Model)


def warned(wish: dict[str, Any]) -> list[str]:
    found = schema.check(MODELLED, {"metadata": {"name": Place(name="a").name}, **wish}, "Warn")
    return [text.removeprefix('unknown field "').removesuffix('"') for text in found]


def test_unknown_fields_are_named_by_path():
    """Through optional parts, lists and aliases; what is declared open, a map or one of several is not looked into."""
    assert warned({"apiVersion": "x", "kind": "y", "one": {"deepName": "a"}, "table": {"any": "x"}}) == []
    assert warned({"one": {"deep_name": "a"}}) == ["one.deep_name"]
    assert warned({"many": [{}, {"x": 1}], "free": {"any": 1}, "either": {"any": 1}, "two": 2}) == ["many[1].x", "two"]


def test_a_wrong_type_is_refused_without_its_value():
    """The field and what it should be are said, what stood there is not; what is missing is the command's to say."""
    with pytest.raises(Invalid) as refused:
        warned({"one": "s3cret", "needed": "s3cret"})
    assert [flaw.field for flaw in refused.value.flaws] == ["one", "needed"]
    assert "s3cret" not in refused.value.text
    with pytest.raises(Malformed, match='unknown field "two"'):
        schema.check(MODELLED, {"metadata": {}, "two": 2}, "Strict")
    assert schema.check(replace(VAULT, model=None), {"two": 2}, "Strict") == ()
