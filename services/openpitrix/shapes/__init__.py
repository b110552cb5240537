"""Wire JSON of the app store: OpenPitrix' shapes (devops-apps-mesh 11)."""
