"""What nodes tell of themselves and their containers in Prometheus' text format."""
