"""Recorded conversations with the original server, replayed."""
