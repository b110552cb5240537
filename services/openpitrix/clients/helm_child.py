"""A script that calls Helm once, run in a process of its own: a Go runtime never lives in a service's. It imports
nothing of ours, and ends with whoever started it.

What is found decides what is done, so that it may be cut off anywhere and run again: a release of ours that was being
installed is removed first, one that was being upgraded rolled back, and one that is as wished is left alone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import helm_python as helm

OWNER, WISH = "orrery-release", "orrery-wish"
"""Labels of a Helm release: whose it is, and which wish it came from."""
KEPT = 10
WAIT = "watcher"
SETTLED = ("deployed", "superseded")


class Foreign(Exception):
    """A Helm release of that name which isn't ours."""


def main() -> None:
    """One call, as JSON on standard input; the answer as JSON on standard output."""
    answer_to = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the library prints is no answer
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    asked = json.loads(sys.stdin.buffer.read(size))
    threading.Thread(target=leave_with_parent, daemon=True).start()
    try:
        answer: dict[str, Any] = {"ok": CALLS[asked["do"]](asked)}
    except Foreign as fault:
        answer = {"error": "foreign", "text": str(fault)}
    except helm.HelmError as fault:
        answer = {"error": type(fault).__name__, "text": fault.detail}
    json.dump(answer, answer_to)
    answer_to.flush()
    os._exit(0)  # the Go runtime's threads have nothing to finish


def leave_with_parent() -> None:
    """Whoever started this holds the other end of standard input: it closes when he dies."""
    os.read(0, 1)
    os._exit(3)


def ensure(asked: dict[str, Any]) -> dict[str, Any]:
    """Bring the release about as it is wished; gives its manifest and revision."""
    with config(asked) as cluster:
        past = history(cluster, asked)
        if past and past[-1]["status"] == "deployed" and (past[-1].get("labels") or {}).get(WISH) == asked["wish"]:
            return told(cluster.status(asked["name"]))
        with helm.Chart.load(asked["chart"]) as chart:
            values = merged(asked, chart)
            if not settle(cluster, asked, past):
                made = cluster.install(chart, asked["name"], values, namespace=asked["namespace"], **how(asked))
            else:
                more = how(asked)
                made = cluster.upgrade(
                    chart,
                    asked["name"],
                    values,
                    namespace=asked["namespace"],
                    max_history=KEPT,
                    reset_values=True,
                    **more,
                )
        return told(made)


def remove(asked: dict[str, Any]) -> dict[str, Any]:
    """Take the release and everything that it made out of the cluster; nothing, when it isn't there."""
    with config(asked) as cluster:
        if history(cluster, asked):
            cluster.uninstall(asked["name"], ignore_not_found=True, wait=WAIT, timeout=asked["seconds"])
    return {}


def config(asked: dict[str, Any]) -> helm.Config:
    """The cluster, as whom the kubeconfig says."""
    return helm.Config(kubeconfig_path=asked["kubeconfig"], namespace=asked["namespace"])


def history(cluster: helm.Config, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Revisions of the release, the oldest first; none when there is none. Raises `Foreign`."""
    try:
        found: list[dict[str, Any]] = cluster.history(asked["name"])
    except helm.HelmNotFoundError:
        return []
    if found and (found[-1].get("labels") or {}).get(OWNER) != asked["owner"]:
        raise Foreign(f"a Helm release {asked['name']} stands in {asked['namespace']} that was made by somebody else")
    return found


def settle(cluster: helm.Config, asked: dict[str, Any], past: list[dict[str, Any]]) -> bool:
    """Whether something stands that can be upgraded. What was cut off is put in order first."""
    good = [one["revision"] for one in past if one["status"] in SETTLED]
    if past and not good:
        cluster.uninstall(asked["name"], ignore_not_found=True, wait=WAIT, timeout=asked["seconds"])
    elif past and past[-1]["status"].startswith("pending"):
        cluster.rollback(asked["name"], version=good[-1], timeout=asked["seconds"])
    return bool(good)


def merged(asked: dict[str, Any], chart: helm.Chart) -> dict[str, Any]:
    """The values as given, once they fit the chart's schema; Helm merges them into the chart's own."""
    values = helm.values_from_yaml(asked["values"]) if asked["values"].strip() else {}
    if values is None:
        values = {}
    chart.validate_schema(chart.merge_values(values))
    return dict(values)


def how(asked: dict[str, Any]) -> dict[str, Any]:
    """What installing and upgrading have in common."""
    return {
        "timeout": asked["seconds"],
        "wait": WAIT,
        "labels": {OWNER: asked["owner"], WISH: asked["wish"]},
        "description": asked["description"],
    }


def told(found: dict[str, Any]) -> dict[str, Any]:
    """What of a release is of use."""
    return {"revision": found["revision"], "manifest": found.get("manifest") or ""}


CALLS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"ensure": ensure, "remove": remove}

if __name__ == "__main__":
    main()
