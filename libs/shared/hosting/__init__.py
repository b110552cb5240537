"""Hosting: opens a Host for each service from settings, owns every task, and closes all in reverse order."""
