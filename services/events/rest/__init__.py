"""`/kapis/events.orrery.io/v1`: the log, and subscriptions to it."""

from __future__ import annotations

from services.events.rest import log, subscriptions

ROUTES = (*log.ROUTES, *subscriptions.ROUTES)
