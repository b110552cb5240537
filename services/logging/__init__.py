"""Logging: owns the indices of container logs, Kubernetes events and audit records; follows and searches them."""
