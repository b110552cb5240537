"""Rules of what runs Pods, and of what counts them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from libs.sandbox.controllers import cron as schedules
from libs.sandbox.rules import pods
from libs.sandbox.rules.configs import claim_spec
from libs.sandbox.rules.invalid import required, unsupported, wrong
from libs.sandbox.rules.selectors import chosen, selector
from libs.shared.errors import Flaw, Invalid

Body = dict[str, Any]
_LEAST: Final = "must be greater than or equal to 0"
_POLICIES: Final = ("Allow", "Forbid", "Replace")


def workload(body: Body) -> Iterator[Flaw]:
    """Deployment, ReplicaSet, DaemonSet: a selector that takes the template's labels, Pods that run for ever."""
    spec = body.get("spec") or {}
    yield from _counts(spec, "spec", ("replicas", "minReadySeconds", "revisionHistoryLimit"))
    wanted = spec.get("selector") or {}
    if not (wanted.get("matchLabels") or wanted.get("matchExpressions")):
        yield required("spec.selector")
    yield from selector(wanted, "spec.selector")
    template = spec.get("template")
    if template is None:
        yield required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not chosen(wanted, labels):
        yield wrong("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    inner = template.get("spec") or {}
    if (policy := inner.get("restartPolicy", "Always")) in pods.POLICIES and policy != "Always":
        yield unsupported("spec.template.spec.restartPolicy", policy, ("Always",))
    yield from pods.spec(inner, "spec.template.spec", claims=_claims(spec))


def _claims(spec: Body) -> tuple[str, ...]:
    found = spec.get("volumeClaimTemplates") or ()
    return tuple((claim.get("metadata") or {}).get("name", "") for claim in found)


def stateful(body: Body) -> Iterator[Flaw]:
    """StatefulSet: the same, and its claims."""
    yield from workload(body)
    for place, found in enumerate((body.get("spec") or {}).get("volumeClaimTemplates") or ()):
        yield from claim_spec(found.get("spec") or {}, f"spec.volumeClaimTemplates[{place}].spec")


def pod(body: Body) -> Iterator[Flaw]:
    """A Pod of its own."""
    yield from pods.spec(body.get("spec") or {}, "spec")


def job(body: Body) -> Iterator[Flaw]:
    """A Job: Pods that end."""
    yield from _job_spec(body.get("spec") or {}, "spec")


def _job_spec(spec: Mapping[str, Any], path: str) -> Iterator[Flaw]:
    yield from _counts(spec, path, ("parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished"))
    template = spec.get("template")
    if template is None:
        yield required(f"{path}.template")
        return
    inner = template.get("spec") or {}
    yield from pods.spec(inner, f"{path}.template.spec")
    if inner.get("restartPolicy") not in ("OnFailure", "Never"):
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')


def cron(body: Body) -> Iterator[Flaw]:
    """A CronJob: a time table that can be read."""
    spec = body.get("spec") or {}
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    else:
        try:
            schedules.parsed(schedule)
        except Invalid as fault:
            yield wrong("spec.schedule", schedule, fault.text)
    if (policy := spec.get("concurrencyPolicy", "Allow")) not in _POLICIES:
        yield unsupported("spec.concurrencyPolicy", policy, _POLICIES)
    yield from _counts(
        spec, "spec", ("startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    )
    yield from _job_spec((spec.get("jobTemplate") or {}).get("spec") or {}, "spec.jobTemplate.spec")


def disruption(body: Body) -> Iterator[Flaw]:
    """A PodDisruptionBudget."""
    spec = body.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield wrong("spec", {}, "minAvailable and maxUnavailable cannot be both set")
    yield from selector(spec.get("selector") or {}, "spec.selector")


def autoscaler(body: Body) -> Iterator[Flaw]:
    """A HorizontalPodAutoscaler."""
    spec = body.get("spec") or {}
    most, least = spec.get("maxReplicas", 0), spec.get("minReplicas", 1)
    if most < 1:
        yield wrong("spec.maxReplicas", most, "must be greater than 0")
    elif most < least:
        yield wrong("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    for field in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(field):
            yield required(f"spec.scaleTargetRef.{field}")


def _counts(spec: Mapping[str, Any], path: str, fields: tuple[str, ...]) -> Iterator[Flaw]:
    for field in fields:
        if (value := spec.get(field) or 0) < 0:
            yield wrong(f"{path}.{field}", value, _LEAST)
