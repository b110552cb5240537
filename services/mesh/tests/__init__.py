"""What the mesh does, shown."""
