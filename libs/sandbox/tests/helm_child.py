"""Helm's own library against a cluster, in a process of its own: one line of JSON for each step."""

import json
import sys
from importlib import import_module
from typing import Any

helm = import_module("helm_python")
KUBECONFIG, CHART, SPACE = sys.argv[1:4]
SECONDS = 60


def told(step: str, **what: Any) -> None:
    sys.stdout.write(json.dumps({"step": step, **what}) + "\n")
    sys.stdout.flush()


def lived(config: Any) -> None:
    made = config.install(CHART, "shop", {"replicas": 2}, create_namespace=True, wait="watcher", timeout=SECONDS)
    told("install", status=made["status"])
    made = config.upgrade(CHART, "shop", {"replicas": 3, "text": "bye"}, wait="watcher", timeout=SECONDS)
    told("upgrade", status=made["status"], revision=made["revision"])
    config.rollback("shop", version=1, wait="watcher", timeout=SECONDS)
    told("rollback", history=[entry["status"] for entry in config.history("shop")])
    input()
    config.uninstall("shop", wait="watcher", timeout=SECONDS)
    told("uninstall", left=config.list())


with helm.Config(kubeconfig_path=KUBECONFIG, namespace=SPACE) as whole:
    lived(whole)
with helm.Config(kubeconfig_path=KUBECONFIG, namespace=SPACE, kube_as_user="bob") as narrow:
    try:
        narrow.install(CHART, "other")
    except helm.HelmError as error:
        told("refused", why=str(error))
