"""What moves the sandbox's objects toward what they ask for: one small reconciler a kind."""
