"""Mesh: owns strategies, service policies and a bounded store of spans; reconciles Istio's objects with what is
wished.
"""
