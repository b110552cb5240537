"""DevOps: owns DevOps projects, credentials, pipelines and runs; publishes what becomes of each run."""
