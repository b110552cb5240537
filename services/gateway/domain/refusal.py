"""How a refusal is worded: Kubernetes' own sentence, which consoles and people know (iam-gateway 3.2)."""

from __future__ import annotations

import json

from services.gateway.domain.attributes import Attributes, Scope


def _quoted(text: str) -> str:
    """As Go's %q for what names can hold."""
    return json.dumps(text, ensure_ascii=False)


def forbidden(user: str, asked: Attributes) -> str:
    """The message of the 403. A workspace is no place that Kubernetes knows: it reads `at the cluster scope`."""
    if not asked.resource_request:
        return f"forbidden: User {_quoted(user)} cannot {asked.verb} path {_quoted(asked.path)}"
    thing = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    name = f" {_quoted(asked.name)}" if asked.name else ""
    resource = f"{asked.resource}/{asked.subresource}" if asked.subresource else asked.resource
    namespaced = asked.namespace and asked.scope is not Scope.GLOBAL
    place = f"in the namespace {_quoted(asked.namespace)}" if namespaced else "at the cluster scope"
    return (
        f"{thing}{name} is forbidden: User {_quoted(user)} cannot {asked.verb} resource {_quoted(resource)}"
        f" in API group {_quoted(asked.group)} {place}"
    )
