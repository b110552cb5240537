"""Mesh: owns strategies and service policies, makes Istio's objects of them, and keeps traces for a while."""
