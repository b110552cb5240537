"""JSON shapes of KubeSphere's DevOps APIs."""
