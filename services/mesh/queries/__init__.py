"""Read verbs."""
