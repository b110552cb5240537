"""JSON shapes of KubeSphere's servicemesh kinds and of Jaeger."""
