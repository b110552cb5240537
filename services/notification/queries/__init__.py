"""Reading letters, receivers and what waits for them."""
