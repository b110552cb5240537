"""Foreign systems: repositories of charts, Helm, the cluster, the gateway's answers, and files of packages."""
