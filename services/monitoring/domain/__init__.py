"""Nouns and decisions of monitoring: labels, expressions and their evaluation, named metrics, recording rules."""
