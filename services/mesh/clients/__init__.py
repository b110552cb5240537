"""Foreign systems."""
