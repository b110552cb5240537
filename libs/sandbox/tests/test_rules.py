"""What is wrong with an object is said field by field, in Kubernetes' words."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from libs.sandbox.tests.samples import SAMPLES
from libs.sandbox.tests.served import served
from libs.shared.errors import Invalid

HERE = "namespaces/default"
DEPLOYMENTS, STATEFUL = f"/apis/apps/v1/{HERE}/deployments", f"/apis/apps/v1/{HERE}/statefulsets"
PODS, SERVICES = f"/api/v1/{HERE}/pods", f"/api/v1/{HERE}/services"
JOBS, CRONS = f"/apis/batch/v1/{HERE}/jobs", f"/apis/batch/v1/{HERE}/cronjobs"
CONFIGS, SECRETS = f"/api/v1/{HERE}/configmaps", f"/api/v1/{HERE}/secrets"
CLAIMS, INGRESSES = f"/api/v1/{HERE}/persistentvolumeclaims", f"/apis/networking.k8s.io/v1/{HERE}/ingresses"
RBAC = f"/apis/rbac.authorization.k8s.io/v1/{HERE}"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
POD = "spec.template.spec"
GREEDY = {"requests": {"cpu": "2"}, "limits": {"cpu": "1000m"}}

CASES: tuple[tuple[str, str, Any, str], ...] = (
    (DEPLOYMENTS, "spec.selector", None, "spec.selector: Required value"),
    (DEPLOYMENTS, "spec.replicas", -1, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    (DEPLOYMENTS, "spec.template.metadata.labels", {"a": "b"}, "`selector` does not match template `labels`"),
    (DEPLOYMENTS, f"{POD}.containers", [], f"{POD}.containers: Required value"),
    (DEPLOYMENTS, f"{POD}.restartPolicy", "Never", 'Unsupported value: "Never": supported values: "Always"'),
    (DEPLOYMENTS, f"{POD}.containers.0.name", "A_b", f"{POD}.containers[0].name: Invalid value"),
    (DEPLOYMENTS, f"{POD}.containers.0.volumeMounts", [{"name": "x", "mountPath": "/x"}], 'Not found: "x"'),
    (
        DEPLOYMENTS,
        f"{POD}.containers.0.resources",
        GREEDY,
        "cpu limit of 1000m",
    ),
    (STATEFUL, "spec.volumeClaimTemplates.0.spec.accessModes", ["Any"], "accessModes: Unsupported value"),
    (PODS, "spec.containers.0.ports.0.containerPort", 70000, "must be between 1 and 65535, inclusive"),
    (PODS, "spec.containers.0.image", "", "spec.containers[0].image: Required value"),
    (PODS, "spec.restartPolicy", "Sometimes", 'supported values: "Always", "Never", "OnFailure"'),
    (JOBS, f"{POD}.restartPolicy", "Always", "restartPolicy: Required value"),
    (CRONS, "spec.schedule", "every day", "spec.schedule: Invalid value"),
    (CRONS, "spec.concurrencyPolicy", "Maybe", "spec.concurrencyPolicy: Unsupported value"),
    (SERVICES, "spec.ports", [], "spec.ports: Required value"),
    (SERVICES, "spec.ports.0.nodePort", 80, "The range of valid ports is 30000-32767"),
    (SERVICES, "spec.type", "Balancer", "spec.type: Unsupported value"),
    (SERVICES, "spec.clusterIP", "nowhere", "must be a valid IP address"),
    (CONFIGS, "data", {"a/b": "c"}, "a valid config key must consist of"),
    (SECRETS, "type", "kubernetes.io/tls", "data[tls.crt]: Required value"),
    (CLAIMS, "spec.resources", {}, "spec.resources[storage]: Required value"),
    (INGRESSES, "spec.rules.0.http.paths.0.pathType", "", "pathType: Required value"),
    (INGRESSES, "spec.rules.0.http.paths.0.path", "x", "must be an absolute path"),
    (f"{RBAC}/roles", "rules.0.verbs", [], "rules[0].verbs: Required value"),
    (f"{RBAC}/roles", "rules.0.nonResourceURLs", ["/x"], "namespaced rules cannot apply to non-resource URLs"),
    (f"{RBAC}/rolebindings", "roleRef.kind", "Group", "roleRef.kind: Unsupported value"),
    (f"{RBAC}/rolebindings", "subjects.0.kind", "ServiceAccount", "subjects[0].namespace: Required value"),
    (CRDS, "metadata.name", "ships.sea.example", 'must be spec.names.plural+"."+spec.group'),
    (CRDS, "spec.group", "apps", "spec.group: Forbidden"),
    (CRDS, "spec.versions.0.storage", False, "must have exactly one version marked as storage version"),
)


def changed(path: str, field: str, value: Any) -> dict[str, Any]:
    """The sample of a kind with one value replaced."""
    body = deepcopy(SAMPLES[path])
    *steps, last = field.split(".")
    part: Any = body
    for step in steps:
        part = part[int(step) if isinstance(part, list) else step]
    part[last] = value
    return body


@pytest.mark.parametrize(("path", "field", "value", "said"), CASES)
async def test_a_rule(tmp_path: Path, path: str, field: str, value: Any, said: str) -> None:
    """Refused with 422 and the field; what is right beside it is made."""
    async with served(tmp_path) as stage:
        with pytest.raises(Invalid) as refused:
            await stage.kube.create(path, changed(path, field, value))
        assert said in refused.value.text
        assert refused.value.flaws
        await stage.kube.create(path, SAMPLES[path])


async def test_too_much_data(tmp_path: Path) -> None:
    """A ConfigMap of more than 1 MiB is refused, though the request is not too large."""
    async with served(tmp_path) as stage:
        answer = await stage.ask("POST", CONFIGS, changed(CONFIGS, "data", {"a": "x" * (1 << 20)}))
        assert answer.status == 422
        assert answer.body["details"]["causes"][0]["field"] == "data"


async def test_one_node_port_for_one_service(tmp_path: Path) -> None:
    """A node port or an address that another Service has is refused; the Service itself keeps them as it changes."""
    async with served(tmp_path) as stage:
        first = await stage.kube.create(SERVICES, SAMPLES[SERVICES])
        second = {**SAMPLES[SERVICES], "metadata": {"name": "second"}}
        with pytest.raises(Invalid, match="provided port is already allocated"):
            await stage.kube.create(SERVICES, second)
        taken = {
            "spec": {"ports": [{"port": 1}], "clusterIP": first["spec"]["clusterIP"]},
            "metadata": {"name": "third"},
        }
        with pytest.raises(Invalid, match="provided IP is already allocated"):
            await stage.kube.create(SERVICES, taken)
        now = await stage.kube.patch(f"{SERVICES}/p", {"metadata": {"labels": {"a": "b"}}})
        assert now["spec"] == first["spec"]
