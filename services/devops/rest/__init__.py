"""HTTP paths of DevOps, by what they are about."""

from __future__ import annotations

from services.devops.rest import internal, members, projects, roles

ROUTES = (*projects.ROUTES, *members.ROUTES, *roles.ROUTES, *internal.ROUTES)
