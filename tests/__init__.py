"""Tests across services, of the house, and benchmarks."""
