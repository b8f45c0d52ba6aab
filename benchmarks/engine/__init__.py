"""Measurements of flowgauge's engine without a broker, each in a process of its own that prints one JSON line."""
