"""HTTP paths of DevOps, by what they are about."""

from __future__ import annotations

from services.devops.rest import credentials, history, internal, members, pipelines, projects, roles, runs

ROUTES = (
    *projects.ROUTES,
    *members.ROUTES,
    *roles.ROUTES,
    *credentials.ROUTES,
    *pipelines.ROUTES,
    *runs.ROUTES,
    *history.ROUTES,
    *internal.ROUTES,
)
