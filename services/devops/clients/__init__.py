"""Foreign systems: child processes, files of logs and workspaces, sealed values."""
