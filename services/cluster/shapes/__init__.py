"""The wire's JSON, its filters and its orders."""
