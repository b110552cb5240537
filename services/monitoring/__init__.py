"""Monitoring: owns time series; scrapes the cluster and the suite, keeps samples, answers named metrics and PromQL."""
