"""Wire JSON, by noun."""
