"""Write verbs: load, decide, keep, tell."""
