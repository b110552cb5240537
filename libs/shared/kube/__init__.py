"""A Kubernetes API server as raw JSON: requests, watches that survive, every error in our own tree."""
