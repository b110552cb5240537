"""Releases on the wire (devops-apps-mesh 11.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from libs.shared.errors import Malformed
from services.openpitrix.domain.release import CLUSTER, Release, ReleaseWish
from services.openpitrix.shapes.moments import filled, moment
from services.openpitrix.shapes.repo import Wire, checked


class ReleaseShape(Wire):
    """A release as it is asked for, upgraded or described; `conf` is YAML."""

    name: str | None = None
    description: str | None = None
    app_id: str | None = None
    version_id: str | None = None
    conf: str | None = None


def wish(body: Mapping[str, Any]) -> tuple[ReleaseWish, str, str]:
    """Out of a body: the wish, the app and the version that it names. Raises `Malformed`."""
    read: ReleaseShape = checked(ReleaseShape, body)
    if not read.version_id:
        raise Malformed("release-version", "version_id should name the version that is to be released")
    return ReleaseWish(read.name or "", read.conf or "", read.description or ""), read.app_id or "", read.version_id


def description(body: Mapping[str, Any]) -> str:
    """What a release is to be described as; empty for no change. Raises `Malformed`."""
    read: ReleaseShape = checked(ReleaseShape, body)
    return read.description or ""


def shown(release: Release) -> dict[str, Any]:
    """On the wire."""
    cluster = {
        "cluster_id": release.id,
        "name": release.name,
        "owner": release.owner,
        "zone": release.namespace,
        "status": release.state.value,
        "env": release.values,
        "additional_info": release.message,
        "description": release.description,
        "create_time": moment(release.created_at),
        "status_time": moment(release.deployed_at or release.state_at),
        "app_id": release.app,
        "version_id": release.version,
        "runtime_id": CLUSTER,
    }
    chart = release.chart
    return {
        "name": chart.name,
        "cluster": filled(cluster),
        "version": {"app_id": release.app, "version_id": release.version, "name": chart.title},
        "app": {"app_id": release.app, "chart_name": chart.name, "name": chart.name, "category_set": None},
    }


def with_objects(release: Release, objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """On the wire, with what it has made as it stands."""
    return {**shown(release), "releaseInfo": list(objects)}
