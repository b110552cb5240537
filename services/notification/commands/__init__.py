"""What changes letters, receivers and what they are told: load, decide, keep, tell."""
