"""Alerting: owns rule groups and alerts with their history; publishes what fires and what is over."""
