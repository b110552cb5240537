"""Nouns and decisions of accounts: pure, without time or chance of its own."""
