"""Foreign systems: the cluster, and accounts as far as members are described."""
