"""The house rules as tests: budgets, doors, state, events. What breaks one on purpose stands in `exceptions.py`."""
