"""Chaos: workers among failing networks, brokers and topics, whose numbers must be true whenever they are shown."""
