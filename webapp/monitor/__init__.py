"""The monitor: a live list of candidates with search and filters."""
