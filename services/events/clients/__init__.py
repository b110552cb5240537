"""Foreign systems: the gateway, which knows who may see what."""
