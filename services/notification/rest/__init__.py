"""HTTP paths: what became of letters and messages, and who is told of alerts."""

from services.notification.rest import letters, objects, verification

ROUTES = (*letters.ROUTES, *verification.ROUTES, *objects.ROUTES)
