"""Read verbs of accounts: from the store, as of now."""
