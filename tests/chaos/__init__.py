"""Chaos: networks, brokers and topics fail, and the workers' numbers must be true whenever they are shown."""
