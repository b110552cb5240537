"""Keeping documents, following their sources, and forgetting what is old."""

from libs.shared.service import Worker
from services.logging.workers.audits import follow_audits
from services.logging.workers.events import follow_events
from services.logging.workers.keeping import commit, tidy
from services.logging.workers.pods import follow_pods
from services.logging.workers.spaces import watch_spaces

WORKERS = (
    Worker("commit", commit, lease=False),
    Worker("tidy", tidy, lease=False),
    Worker("spaces", watch_spaces, lease=False),
    Worker("audits", follow_audits),
    Worker("events", follow_events),
    Worker("pods", follow_pods),
)
