"""Flows across services."""
