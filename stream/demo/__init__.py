"""The whole system on an embedded broker, fed by a simulated portfolio."""
