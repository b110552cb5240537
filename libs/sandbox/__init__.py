"""A small Kubernetes cluster in this process, to try, develop and test against: an API server and a simulated world."""
