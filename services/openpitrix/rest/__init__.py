"""HTTP paths of the app store, by what they are about."""

from __future__ import annotations

from services.openpitrix.rest import apps, repos

ROUTES = (*repos.ROUTES, *apps.ROUTES)
