"""Push: streams, hub, bus, sweep and presence. Knows user ids and bytes, nothing of exams."""
