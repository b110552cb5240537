"""What monitoring leans on: the parser of expressions, its own store of series, other sources of them."""
