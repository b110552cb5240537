"""HTTP paths of the app store, by what they are about."""

from __future__ import annotations

from services.openpitrix.rest import apps, attachments, categories, releases, repos, templates, versions

ROUTES = (
    *repos.ROUTES,
    *apps.ROUTES,
    *templates.ROUTES,
    *versions.ROUTES,
    *categories.ROUTES,
    *attachments.ROUTES,
    *releases.ROUTES,
)
