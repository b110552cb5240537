"""Tests of the kit, `test_<room>_*.py`."""
