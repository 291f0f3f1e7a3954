"""Tests, rosters and contributors: how they get in."""
