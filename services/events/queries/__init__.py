"""The read verbs, by noun."""
