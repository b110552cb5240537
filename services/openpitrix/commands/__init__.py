"""What changes the app store's documents: load, decide, keep, tell."""
