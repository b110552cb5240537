"""What a client wants of a deletion: DeleteOptions in the body, or the same in the query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from libs.sandbox.api import asked
from libs.sandbox.lifecycle import Deletion
from libs.sandbox.rules.invalid import unsupported
from libs.shared.errors import Flaw, Invalid, Malformed

_KIND: Final = "DeleteOptions.meta.k8s.io"
_POLICIES: Final = ("Background", "Foreground", "Orphan")


def wish(body: Mapping[str, Any], query: Mapping[str, str]) -> tuple[Deletion, bool]:
    """How it is to be deleted, and whether dry; the body counts before the query. Raises `Invalid`, `Malformed`."""
    if body.get("kind", "DeleteOptions") != "DeleteOptions":
        raise Malformed("options-unknown", "the body of a deletion is DeleteOptions")
    policy = body.get("propagationPolicy") or query.get("propagationPolicy") or ""
    if policy and policy not in _POLICIES:
        raise _refused(unsupported("propagationPolicy", policy, _POLICIES))
    orphan = body.get("orphanDependents", query.get("orphanDependents"))
    if not policy and orphan is not None:
        policy = "Orphan" if orphan in (True, "true") else "Background"
    grace = body.get("gracePeriodSeconds")
    if grace is None and query.get("gracePeriodSeconds"):
        grace = asked.number(query, "gracePeriodSeconds")
    if grace is not None and (not isinstance(grace, int) or isinstance(grace, bool) or grace < 0):
        raise _refused(Flaw("gracePeriodSeconds", "Invalid value: must be a whole number of 0 or more"))
    dry = asked.dry(query, "DeleteOptions")
    if (wanted := body.get("dryRun")) not in (None, [], ["All"]):
        raise _refused(unsupported("dryRun", wanted, ("All",)))
    conditions = body.get("preconditions") or {}
    if not isinstance(conditions, Mapping):
        raise Malformed("options-unreadable", "preconditions have to be an object")
    uid, version = (str(conditions.get(field) or "") for field in ("uid", "resourceVersion"))
    return Deletion(policy, grace, uid, version), dry or bool(wanted)


def _refused(flaw: Flaw) -> Invalid:
    text = f'{_KIND} "" is invalid: {flaw.field}: {flaw.text}'
    return Invalid("options-invalid", text, resource=_KIND, flaws=(flaw,))
