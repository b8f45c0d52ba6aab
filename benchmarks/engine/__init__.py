"""Measurements of flowgauge's engine without a broker. Each is a process of its own that prints one JSON line."""
