"""HTTP between clients, gateway and services: routes as data, faults in four dialects, a signed identity."""
