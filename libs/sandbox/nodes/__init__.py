"""Three simulated nodes: they place pods, run them, write their logs and use CPU and memory; nothing runs on the host."""
