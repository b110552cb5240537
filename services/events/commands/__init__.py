"""The write verbs, by noun."""
