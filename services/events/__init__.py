"""Events: owns the log of everything that happened, in an order of its own; mirrors the bus into it and serves it, in
pages and as streams, to whoever may see.
"""
