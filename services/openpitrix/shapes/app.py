"""Apps, versions, audits and reviews on the wire (devops-apps-mesh 11.3, 11.4)."""

from __future__ import annotations

from typing import Any

from services.openpitrix.domain.app import App
from services.openpitrix.domain.category import Category
from services.openpitrix.domain.version import Audit, Version
from services.openpitrix.shapes.moments import filled, moment


def app(one: App, latest: Version | None, category: Category | None) -> dict[str, Any]:
    """An app with the newest of its versions."""
    said = {
        "app_id": one.id,
        "name": one.name,
        "abstraction": one.abstraction,
        "description": one.description,
        "home": one.home,
        "icon": one.icon,
        "readme": one.readme,
        "tos": one.tos,
        "keywords": one.keywords if not one.repo or one.origin else "",
        "maintainers": one.maintainers,
        "sources": one.sources,
        "screenshots": ",".join(one.screenshots),
        "isv": one.workspace if not one.repo or one.origin else "",
        "owner": one.owner,
        "status": one.state.value,
        "status_time": moment(one.state_at),
        "create_time": moment(one.created_at),
        "update_time": moment(one.updated_at),
        "app_version_types": "helm",
    }
    sets = [categorised(category)] if category else []
    newest = version(latest) if latest else {}
    return filled(said) | {"category_set": sets, "latest_app_version": newest, "cluster_total": 0}


def categorised(one: Category) -> dict[str, Any]:
    """A category as apps show it."""
    return {
        "category_id": one.id,
        "name": one.name,
        "locale": "{}",
        "status": "enabled",
        "create_time": moment(one.created_at),
    }


def version(one: Version) -> dict[str, Any]:
    """A version."""
    chart = one.chart
    said = {
        "version_id": one.id,
        "app_id": one.app,
        "name": chart.title,
        "description": chart.description,
        "home": chart.home,
        "icon": chart.icon,
        "maintainers": chart.maintainers,
        "sources": chart.sources,
        "package_name": chart.package,
        "owner": one.owner,
        "status": one.state.value,
        "create_time": moment(one.created_at),
        "status_time": moment(one.state_at),
        "update_time": moment(one.updated_at),
    }
    return filled(said) | {"active": True}


def audit(one: Version, step: Audit) -> dict[str, Any]:
    """A step of a version on its way."""
    return filled(
        {
            "app_id": one.app,
            "version_id": one.id,
            "version_name": one.chart.title,
            "version_type": "helm",
            "operator": step.operator,
            "status": step.state.value,
            "message": step.message,
            "status_time": moment(step.at),
        }
    )


def review(one: Version, named: str) -> dict[str, Any]:
    """A version as whoever reviews it sees it; its last step counts."""
    step = one.audits[0]
    return filled(
        {
            "app_id": one.app,
            "app_name": named,
            "version_id": one.id,
            "version_name": one.chart.title,
            "workspace": one.workspace,
            "reviewer": step.operator,
            "review_id": step.operator,
            "status": step.state.value,
            "status_time": moment(step.at),
        }
    ) | {"phase": {}}
