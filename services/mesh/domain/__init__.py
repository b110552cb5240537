"""What a service's routing should be, and traces."""
