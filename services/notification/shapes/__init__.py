"""Wire JSON of letters, of receivers and their kin."""
