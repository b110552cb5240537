"""What is shared between services, and the sandbox cluster."""
