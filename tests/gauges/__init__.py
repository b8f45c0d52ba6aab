"""What Prometheus sees, and when it may see it."""
