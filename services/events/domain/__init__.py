"""Entries of the log, who sees which, and what takes somebody's sight away."""
