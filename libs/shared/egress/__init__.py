"""The only way to dial an address that a user named: resolve, vet every address, dial that very one, bound the rest."""
