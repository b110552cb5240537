"""The app store: repositories of Helm charts, apps and their versions, reviews, and releases in the cluster. Publishes
what becomes of each; reacts to workspaces that are gone.
"""
