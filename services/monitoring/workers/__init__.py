"""Loops: scrape targets, record rules, make room."""

from libs.shared.service import Worker
from services.monitoring.workers.recording import record_rules
from services.monitoring.workers.scraping import scrape_targets
from services.monitoring.workers.tending import tend_series

WORKERS = (
    Worker("scrape-targets", scrape_targets),
    Worker("record-rules", record_rules),
    Worker("tend-series", tend_series),
)
