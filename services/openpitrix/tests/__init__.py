"""Tests of the app store."""
