"""HTTP of logging."""

from services.logging.rest import audits, bulk, events, logs

ROUTES = (*logs.ROUTES, *events.ROUTES, *audits.ROUTES, *bulk.ROUTES)
