"""Three simulated nodes: they run pods, write their logs, use CPU and memory; nothing runs on the host."""
