"""HTTP paths: what became of letters and messages, and who is told of alerts."""

from services.notification.rest import letters, objects

ROUTES = (*letters.ROUTES, *objects.ROUTES)
