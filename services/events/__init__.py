"""Events: owns the log of everything that happened, in an order of its own; mirrors the bus into it and serves it, in
pages, as streams and by subscription, to whoever may see.
"""
