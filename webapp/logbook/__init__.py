"""The log: append, verify, show (R14, R15)."""
