"""Nouns and decisions of DevOps; pure."""
