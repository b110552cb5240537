"""From outbox to bus, from bus through the inbox to reactions: exactly-once effect over at-least-once delivery."""

from typing import Final

from libs.shared.delivery import parked, refused

DOCUMENTS: Final = (*parked.DOCUMENTS, *refused.DOCUMENTS)
"""What every service's store has to be opened with besides its own."""
