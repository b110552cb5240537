"""The front door: authenticates, decides in memory, audits and forwards. Owns read models only; publishes audit
records; follows accounts' events.
"""
