"""Loops: carrying runs on, and sweeping what is left of those that are gone."""

from __future__ import annotations

from libs.shared.service import Worker
from services.devops.workers.runs import carry_on
from services.devops.workers.sweep import sweep_gone

WORKERS = (Worker("carry-runs", carry_on), Worker("sweep-runs", sweep_gone))
