"""Reading the app store's documents."""
