"""Cluster: owns what is observed in the cluster and tells it; sets projects up with their roles and members."""
