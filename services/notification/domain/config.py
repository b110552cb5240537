"""Which config a receiver's channel goes by (spec 6.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from libs.shared.errors import Invalid
from services.notification.domain.object import Config, Receiver
from services.notification.domain.selecting import matches

PRIORITY = "priority"
LAST = 1 << 31


def config_for(configs: Sequence[Config], receiver: Receiver, channel: str) -> Config | None:
    """The tenant's own that the receiver selects, else the platform's default; the lowest `priority` wins."""
    able = [config for config in configs if config.part(channel)]
    own = [
        config
        for config in able
        if receiver.owner and config.owner == receiver.owner and _selects(receiver, channel, config)
    ]
    found = own or [config for config in able if not config.owner]
    return min(found, key=lambda config: (_priority(config), config.created_at, config.name), default=None)


def _selects(receiver: Receiver, channel: str, config: Config) -> bool:
    try:
        return matches(receiver.part(channel).get(f"{channel}ConfigSelector"), config.labels)
    except Invalid:
        return False


def _priority(config: Config) -> int:
    text = config.labels.get(PRIORITY, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else LAST  # noqa: PLR2004  # below LAST


def has_server(config: Config) -> bool:
    """Whether a config names a mail server."""
    host = config.part("email").get("smartHost")
    return isinstance(host, Mapping) and bool(host.get("host")) and bool(host.get("port"))
