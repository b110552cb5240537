"""Reading verbs: answers from the index, and what the services are asked for."""
