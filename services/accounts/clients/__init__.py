"""What is foreign to accounts: hashing libraries, and the key that signs tokens."""
