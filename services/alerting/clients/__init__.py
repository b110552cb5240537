"""What alerting asks of others."""
