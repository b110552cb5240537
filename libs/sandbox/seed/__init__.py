"""What stands in a new sandbox."""
