"""Accounts: users and how they sign in, global and workspace roles and bindings, role templates, workspaces.

Owns those documents, publishes what happened to them (`proto/orrery/accounts/v1/events.proto`), reacts to nobody.
"""
