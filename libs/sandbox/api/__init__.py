"""The HTTP face of the sandbox: Kubernetes' API conventions over `Objects`."""
