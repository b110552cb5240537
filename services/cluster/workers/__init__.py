"""Loops: follow the cluster, note and tell what is observed, set projects up."""

from __future__ import annotations

from libs.shared.service import Worker
from services.cluster.workers.following import follow
from services.cluster.workers.members import reconcile_members
from services.cluster.workers.observing import observe
from services.cluster.workers.projects import reconcile_projects

WORKERS = (
    Worker("follow", follow, lease=False),
    Worker("observe", observe),
    Worker("projects", reconcile_projects),
    Worker("members", reconcile_members),
)
