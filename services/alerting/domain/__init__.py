"""Rule groups, alerts and what decides between them: pure."""
