"""HTTP of the gateway: the front that clients meet, and its own routes behind it."""

from __future__ import annotations

from services.gateway.rest import config, discovery, parked, permissions, reviews

ROUTES = (*config.ROUTES, *discovery.ROUTES, *parked.ROUTES, *permissions.ROUTES, *reviews.ROUTES)
