"""Write verbs."""
