"""The sample hall of `make demo`: three tests that run now, everyone in them, and candidates who walk in."""
