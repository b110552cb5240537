"""Other services, as far as reading the log needs them."""
