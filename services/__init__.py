"""One folder a service; none imports another, they meet over HTTP and events."""
