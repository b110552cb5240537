"""The bus of a single process: an append-only log in a SQLite file, with groups and tails in memory beside it.

Durability: a publish returns after its rows are in the write-ahead log and fsynced (`synchronous=FULL`); all that wait
at one moment share one transaction. Acknowledgements are written behind, within a second: losing some in a crash means
a redelivery, which the consumer's inbox recognizes, so an fsync for each would buy nothing.
"""

from libs.shared.bus.embedded.bus import EmbeddedBus, open_bus

__all__ = ["EmbeddedBus", "open_bus"]
