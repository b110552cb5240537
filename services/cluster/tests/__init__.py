"""Tests of the cluster service."""
