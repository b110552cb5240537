"""Alerting: owns rule groups, the alerts that they give and the history of these; publishes when an alert fires and
when it is over; reacts to the cluster's events about projects.
"""
