"""Everything that is read: from the store, from what is held in memory, from the cluster."""
