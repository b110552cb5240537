"""What a request is, who may do it, and what is remembered to decide that: pure, but for the index's own memory."""
