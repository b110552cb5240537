"""Loops: follow the cluster, write each service's routing."""

from __future__ import annotations

from libs.shared.service import Worker
from services.mesh.workers.routing import route

WORKERS = (Worker("route", route),)
