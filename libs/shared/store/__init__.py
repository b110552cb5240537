"""Where a service keeps its documents, its outbox and its inbox: one protocol, an adapter a file."""
