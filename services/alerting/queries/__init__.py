"""Reading rule groups, alerts and their history."""
