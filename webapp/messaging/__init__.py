"""Messaging: compose, the send transaction, the message center."""
