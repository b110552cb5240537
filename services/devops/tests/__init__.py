"""Tests of devops."""
