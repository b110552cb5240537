"""HTTP paths of the cluster service."""

from __future__ import annotations

from services.cluster.rest import internal, legacy, members, projects, resources, roles

ROUTES = (
    *legacy.ROUTES,
    *resources.ROUTES,
    *projects.ROUTES,
    *members.ROUTES,
    *roles.ROUTES,
    *internal.ROUTES,
)
