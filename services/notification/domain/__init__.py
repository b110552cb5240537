"""Letters and the addresses that they go to: nouns and decisions, without time, chance or network."""
