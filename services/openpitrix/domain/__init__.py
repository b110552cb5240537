"""Nouns and decisions of the app store."""
