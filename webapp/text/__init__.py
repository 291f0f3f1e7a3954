"""Texts that people type: how they are normalised and compared, and which characters they may have."""
