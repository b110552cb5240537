"""Server-side apply: which manager owns which field, and what a new wish of his makes of an object."""
