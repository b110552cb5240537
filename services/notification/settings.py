"""What an operator may set about letters: `ORRERY_NOTIFICATION_<FIELD>`."""

from __future__ import annotations

from pydantic import Field

from libs.shared.config import Settings


class NotificationSettings(Settings):
    """Times are in seconds."""

    sender: str = "Orrery <orrery@localhost>"
    """Whom letters are from: an address, or `Name <address>`."""
    ca: str = ""
    """A PEM file of the authorities that mail servers are verified against; the system's when empty."""
    timeout: float = Field(default=15, gt=0, le=300)
    """How long one exchange with the mail server may take."""
    connections: int = Field(default=2, ge=1, le=32)
    """Connections to the mail server at one time."""
    batch: int = Field(default=50, ge=1, le=500)
    """Letters taken at one time."""
    retry_first: float = Field(default=5, gt=0)
    """Pause after the first failed attempt; it doubles with each further one."""
    retry_most: float = Field(default=900, gt=0)
    """The longest pause between attempts."""
    give_up: float = Field(default=2 * 86400, gt=0)
    """How long a letter is tried before it counts as undeliverable."""
    poll: float = Field(default=5, gt=0)
    """How often the worker looks for letters that nothing woke it for."""
    group_wait: float | None = Field(default=None, ge=0, le=3600)
    """How long changes of alerts that belong together are gathered; 5 embedded and 30 distributed unless set."""
    review: float = Field(default=300, ge=1)
    """How often receivers, routers and silences are looked at again for what fires on."""
    notices_at_once: int = Field(default=8, ge=1, le=64)
    """Webhooks and chats that are talked to at one time."""
    notice_timeout: float = Field(default=10, gt=0, le=300)
    """How long a webhook or a chat may take to answer."""
    slack_url: str = "https://slack.com/api/chat.postMessage"
    """Where messages to Slack are posted."""
    keep_days: int = Field(default=90, ge=1)
    """How many days a letter is kept once it was sent or given up."""
