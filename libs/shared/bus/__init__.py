"""How services tell each other what happened: one protocol, an adapter a file."""
