"""Killing the real process at every failpoint, and checking what is left."""
