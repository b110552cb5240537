"""Which type each field has, as far as anybody here reads it: what is of another is refused before it is looked at."""
