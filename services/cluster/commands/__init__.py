"""Everything that changes this service's own documents."""
