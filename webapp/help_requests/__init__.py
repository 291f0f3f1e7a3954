"""Candidates ask for help, and staff see who asks, say that they are going, and what is done (R31)."""
