"""Cluster: owns what is observed in the cluster, and the wishes for it: projects with their roles and members;
publishes what it observes.
"""
