"""HTTP paths of the app store, by what they are about."""

from __future__ import annotations

from services.openpitrix.rest import apps, releases, repos

ROUTES = (*repos.ROUTES, *apps.ROUTES, *releases.ROUTES)
