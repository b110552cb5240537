"""PromQL: our own nodes, and their evaluation over numpy."""
