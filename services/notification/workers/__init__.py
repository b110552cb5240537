"""Loops: letters, messages to webhooks and chats, telling of alerts. The only writers to foreign systems."""

from libs.shared.service import Worker
from services.notification.workers.letters import send_letters, sweep_letters
from services.notification.workers.notices import send_notices, sweep_notices
from services.notification.workers.signals import spread_signals

WORKERS = (
    Worker("send-letters", send_letters),
    Worker("sweep-letters", sweep_letters),
    Worker("spread-signals", spread_signals),
    Worker("send-notices", send_notices),
    Worker("sweep-notices", sweep_notices),
)
