"""HTTP paths of monitoring."""

from services.monitoring.rest import internal, named, prometheus, targets

ROUTES = (*named.ROUTES, *targets.ROUTES, *prometheus.ROUTES, *internal.ROUTES)
