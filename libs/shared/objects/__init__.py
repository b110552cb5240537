"""What every Kubernetes object needs, pure and without I/O: names, metadata, selectors, patches."""
