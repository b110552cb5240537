"""Wire JSON of the gateway's own answers: refusals with their details, reviews."""

from __future__ import annotations

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, RootModel

from libs.shared.delivery.rest import ParkedView
from libs.shared.errors import Denied, Fault, Unauthenticated
from libs.shared.http.faults import json_response, kubernetes_status, status_of
from services.gateway.domain.attributes import Attributes
from services.gateway.domain.rules import Rule


def refusal(fault: Fault, asked: Attributes) -> web.Response:
    """A fault of the gateway's own as a Kubernetes Status, as the original's filters answer on every path: a 401 says
    so first, a 403 has details even when they are empty.
    """
    code, reason = status_of(fault)
    body = kubernetes_status(fault, {}, code, reason)
    if isinstance(fault, Unauthenticated):
        body["message"] = f"Unauthorized: {fault.text}"
    if isinstance(fault, Denied):
        body["details"] = details(asked)
    retry = {"Retry-After": f"{max(1, round(fault.retry_after))}"} if fault.retry_after else None
    return json_response(body, code, retry)


def details(asked: Attributes) -> dict[str, str]:
    """What a refusal is about: name, group and kind, each only where there is one."""
    found = {"name": asked.name, "group": asked.group, "kind": asked.resource}
    return {key: value for key, value in found.items() if value}


class Shape(BaseModel):
    """A body that is sent to us: an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MayShape(Shape):
    """One permission that is asked about."""

    verb: str
    resource: str
    group: str = ""
    name: str = ""
    scope: Literal["Global", "Cluster", "Workspace", "Namespace", "DevOps"] = "Global"
    workspace: str = ""
    namespace: str = ""


class MineShape(Shape):
    """Which places the caller is bound in."""

    of: Literal["workspaces", "namespaces", "devopsprojects"]


class WhereShape(Shape):
    """In which namespaces the caller may do this."""

    verb: str
    resource: str
    group: str = ""


class RuleShape(Shape):
    """A PolicyRule, in Kubernetes' names."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = Field(default=(), alias="apiGroups")
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = Field(default=(), alias="resourceNames")
    non_resource_urls: tuple[str, ...] = Field(default=(), alias="nonResourceURLs")


class HoldsShape(Shape):
    """Whether the caller holds all of these rules: in a namespace, a DevOps project, a workspace, the cluster (by its
    scope), or the platform.
    """

    scope: Literal["", "Global", "Cluster", "Workspace", "Namespace", "DevOps"] = ""
    """By default that of the place that is named."""
    workspace: str = ""
    namespace: str = ""
    devops: str = ""
    rules: tuple[RuleShape, ...] = Field(max_length=500)


class ReviewShape(Shape):
    """What a service asks on a caller's behalf."""

    may: tuple[MayShape, ...] = Field(default=(), max_length=1000)
    mine: tuple[MineShape, ...] = Field(default=(), max_length=10)
    where: tuple[WhereShape, ...] = Field(default=(), max_length=10)
    holds: tuple[HoldsShape, ...] = Field(default=(), max_length=100)


class SightShape(Shape):
    """What a service asks about a user who isn't here."""

    user: str
    may: tuple[MayShape, ...] = Field(default=(), max_length=100)
    mine: tuple[MineShape, ...] = Field(default=(), max_length=10)
    where: tuple[WhereShape, ...] = Field(default=(), max_length=10)


class ReviewedShape(BaseModel):
    """The answers, in the order of the questions."""

    may: list[bool]
    mine: list[list[str]]
    where: list[bool | list[str]] = []
    holds: list[bool]


class Review(BaseModel):
    """Kubernetes' reviews of oneself: what they hold besides is handed back or left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    api_version: str = Field(alias="apiVersion")
    kind: str
    metadata: dict[str, Any] = {}


class AskedResource(BaseModel):
    """ResourceAttributes; without a namespace it is about all of them."""

    verb: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""


class AskedPath(BaseModel):
    """NonResourceAttributes."""

    path: str = ""
    verb: str = ""


class AccessSpec(BaseModel):
    """What is asked about: one of the two."""

    resource: AskedResource | None = Field(default=None, alias="resourceAttributes")
    path: AskedPath | None = Field(default=None, alias="nonResourceAttributes")


class AccessReview(Review):
    """SelfSubjectAccessReview."""

    spec: AccessSpec


class RulesSpec(BaseModel):
    """Where the rules are to count."""

    namespace: str = Field(min_length=1)


class RulesReview(Review):
    """SelfSubjectRulesReview."""

    spec: RulesSpec


class SelfReview(Review):
    """SelfSubjectReview."""


def rule(found: Rule) -> dict[str, list[str]]:
    """A rule in Kubernetes' names."""
    said = {
        "verbs": found.verbs,
        "apiGroups": found.groups,
        "resources": found.resources,
        "resourceNames": found.names,
        "nonResourceURLs": found.urls,
    }
    return {name: sorted(values) for name, values in said.items() if values}


class SwitchesShape(RootModel[dict[str, bool]]):
    """Which modules are there."""


class ClientShape(BaseModel):
    """An OAuth client, without its secret."""

    name: str
    redirect_uris: list[str] = Field(alias="redirectURIs")


class SignInShape(BaseModel):
    """How one signs in; times in nanoseconds."""

    issuer: str
    clients: list[ClientShape]
    access_token_max_age: int = Field(alias="accessTokenMaxAge")
    access_token_inactivity_timeout: int = Field(alias="accessTokenInactivityTimeout")


class VersionShape(BaseModel):
    """KubeSphere's version.Info."""

    git_version: str = Field(alias="gitVersion")
    git_major: str = Field(alias="gitMajor")
    git_minor: str = Field(alias="gitMinor")
    git_commit: str = Field(alias="gitCommit")
    git_tree_state: str = Field(alias="gitTreeState")
    build_date: str = Field(alias="buildDate")
    go_version: str = Field(alias="goVersion")
    compiler: str
    platform: str
    kubernetes: dict[str, Any] | None


class ParkedShape(BaseModel):
    """Messages that are parked, of every service that could be asked."""

    items: list[ParkedView]
    total_items: int = Field(alias="totalItems")
    unreachable: list[str]


class GroupsShape(BaseModel):
    """Kubernetes' meta/v1 APIGroupList."""

    kind: Literal["APIGroupList"]
    api_version: str = Field(alias="apiVersion")
    groups: list[dict[str, Any]]
