"""What is observed and what is wished for, as values: pure."""
