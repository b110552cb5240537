"""What changes rule groups and alerts: load, decide, keep, tell."""
