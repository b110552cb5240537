"""Write verbs of accounts: load, decide, keep, tell. They take a unit and plain values."""
