"""Nouns and decisions of logging, pure: entries, what is wanted of them, who may see them."""
