"""What performance claims rest on: each prints a ratio against a named peer in one run."""
