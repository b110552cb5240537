"""An audit record: what the gateway tells, in the shape that KubeSphere's webhook stores; what is asked of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from libs.shared.contracts.gateway_v1 import AuditRecorded
from libs.shared.errors import Malformed
from services.logging.domain.entry import Entry, moment
from services.logging.domain.log import LONGEST, told
from services.logging.domain.wanted import Glob, Phrase, Term, Wish

READING = frozenset({"get", "list", "watch"})
REFUSED = 400
"""From this status on a request was refused or failed."""
EXACT: tuple[tuple[str, str], ...] = (
    ("objectref_name_filter", "name"),
    ("level_filter", "level"),
    ("verb_filter", "verb"),
    ("user_filter", "user"),
    ("response_status_filter", "status"),
)
WILD: tuple[tuple[str, str], ...] = (
    ("objectref_name_search", "name"),
    ("user_search", "user"),
    ("group_search", "groups"),
    ("source_ip_search", "address"),
)
WORDED: tuple[tuple[str, str], ...] = (
    ("objectref_resource_filter", "resource"),
    ("objectref_subresource_filter", "subresource"),
)


def entry_of(document: Mapping[str, Any], id_: str = "", *, create: bool = False) -> Entry:
    """The entry of a record in the webhook's shape; raises `Malformed` naming the field."""
    ref, user, status = (_part(document, name) for name in ("ObjectRef", "User", "ResponseStatus"))
    exact = {
        "namespace": told(ref, "Namespace"),
        "workspace": told(document, "Workspace"),
        "name": told(ref, "Name"),
        "level": told(document, "Level"),
        "verb": told(document, "Verb"),
        "user": told(user, "Username"),
        "groups": _joined(user.get("Groups"), "User.Groups"),
        "address": _joined(document.get("SourceIPs"), "SourceIPs"),
        "code": told(status, "code"),
        "status": told(status, "status"),
    }
    return Entry(
        ms=moment(document.get("RequestReceivedTimestamp") or document.get("@timestamp"), "RequestReceivedTimestamp"),
        body=orjson.dumps(document),
        exact=exact,
        worded={"resource": told(ref, "Resource"), "subresource": told(ref, "Subresource")},
        source=told(document, "AuditID"),
        id=id_,
        create=create,
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise Malformed(name, f"{name} should be an object")
    return part


def _joined(value: object, name: str) -> str:
    """A list as the webhook stores it: as one text."""
    if isinstance(value, list):
        return ",".join(str(item) for item in value)[:LONGEST]
    return told({name: value}, name)


def worth_keeping(event: AuditRecorded, *, reads: bool) -> bool:
    """Whether a record is archived: what changed something or was refused; what only read where that is wanted."""
    return reads or event.verb not in READING or event.code >= REFUSED


def recorded(event: AuditRecorded, workspace: str) -> Entry:
    """The entry of what the gateway told; `workspace` is that of its namespace, where it names none itself.

    ObjectRef.ResourceVersion holds the request's scope, as the original's does. Raises `Malformed` for one without
    time.
    """
    received = event.received_at.isoformat().replace("+00:00", "Z") if event.received_at else ""
    answered = event.answered_at.isoformat().replace("+00:00", "Z") if event.answered_at else received
    document: dict[str, Any] = {
        "Devops": event.devops,
        "Workspace": event.workspace or workspace,
        "Cluster": event.cluster,
        "Message": "",
        "Level": "Metadata",
        "AuditID": event.audit_id,
        "Stage": "ResponseComplete",
        "RequestURI": event.path,
        "Verb": event.verb,
        "User": {"Username": event.user, "Groups": ",".join(event.groups)},
        "ImpersonatedUser": None,
        "SourceIPs": event.source_ip,
        "UserAgent": event.user_agent,
        "ObjectRef": {
            "Resource": event.resource,
            "Namespace": event.namespace,
            "Name": event.name,
            "UID": "",
            "APIGroup": event.api_group,
            "APIVersion": event.api_version,
            "ResourceVersion": event.scope,
            "Subresource": event.subresource,
        },
        "ResponseStatus": {
            "metadata": {},
            "status": "Failure" if event.code >= REFUSED else "Success",
            "code": event.code,
        },
        "RequestObject": None,
        "ResponseObject": None,
        "RequestReceivedTimestamp": received,
        "StageTimestamp": answered,
        "Annotations": {"orrery.io/decision": event.decision, "orrery.io/count": str(max(event.count, 1))},
        "@timestamp": received,
    }
    return entry_of(document, event.audit_id)


def wishes(lists: Mapping[str, Sequence[str]], codes: Sequence[str]) -> list[Wish]:
    """What the parameters ask for beside namespaces and workspaces."""
    found: list[Wish] = [Term(field, tuple(lists[name])) for name, field in EXACT if name in lists]
    found += [Glob(field, tuple(f"*{text}*" for text in lists[name])) for name, field in WILD if name in lists]
    found += [Phrase(field, tuple(lists[name])) for name, field in WORDED if name in lists]
    if codes:
        found.append(Term("code", tuple(codes)))
    return found
