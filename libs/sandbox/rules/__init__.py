"""What Kubernetes' API server refuses, fills in and keeps, kind by kind: pure functions over objects."""
