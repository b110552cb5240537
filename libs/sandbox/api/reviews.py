"""SelfSubjectAccessReview, SubjectAccessReview, LocalSubjectAccessReview and SelfSubjectRulesReview: questions to the
authorizer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from libs.sandbox.api.caller import MASTERS, Caller
from libs.sandbox.api.place import Place
from libs.sandbox.hooks import Attributes
from libs.shared.errors import Malformed

Body = dict[str, Any]
_ALL: Final = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
Allows = Callable[[Caller, Attributes], bool]


def review(place: Place, sent: Body, caller: Caller, allows: Allows) -> Body:
    """The review with its answer; raises `Malformed` where it asks nothing."""
    spec = sent.get("spec")
    if not isinstance(spec, dict):
        raise Malformed("review-empty", "spec has to say what is asked")
    who = caller
    if place.resource.kind != "SelfSubjectAccessReview":
        groups = spec.get("groups") or []
        if not isinstance(groups, list) or not isinstance(spec.get("user", ""), str):
            raise Malformed("review-unreadable", "spec.user has to be a text and spec.groups a list of texts")
        who = Caller(spec.get("user") or "", tuple(map(str, groups)))
    allowed = allows(who, _attributes(spec, place.namespace))
    return {
        "kind": place.resource.kind,
        "apiVersion": place.api_version,
        "metadata": sent.get("metadata") or {},
        "spec": spec,
        "status": {"allowed": allowed},
    }


def rules(place: Place, sent: Body, caller: Caller, found: Sequence[Mapping[str, Any]]) -> Body:
    """The review with the rules that hold for the caller."""
    bare = [rule for rule in found if rule.get("nonResourceURLs")]
    about = [rule for rule in found if not rule.get("nonResourceURLs")]
    if MASTERS in caller.groups:
        bare, about = [{"verbs": ["*"], "nonResourceURLs": ["*"]}], [_ALL]
    return {
        "kind": place.resource.kind,
        "apiVersion": place.api_version,
        "metadata": {},
        "spec": sent.get("spec") or {},
        "status": {
            "resourceRules": [_told(rule, ("verbs", "apiGroups", "resources", "resourceNames")) for rule in about],
            "nonResourceRules": [_told(rule, ("verbs", "nonResourceURLs")) for rule in bare],
            "incomplete": False,
        },
    }


def _told(rule: Mapping[str, Any], fields: tuple[str, ...]) -> Body:
    return {field: rule[field] for field in fields if rule.get(field)}


def _attributes(spec: Body, namespace: str) -> Attributes:
    about, bare = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if isinstance(about, dict) == isinstance(bare, dict):
        raise Malformed(
            "review-unreadable", "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
    found = about if isinstance(about, dict) else bare or {}
    fields = ("verb", "group", "version", "resource", "subresource", "namespace", "name", "path")
    texts = {field: str(found.get(field) or "") for field in fields}
    if namespace:
        texts["namespace"] = namespace
    return Attributes(**texts)
