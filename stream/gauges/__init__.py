"""4. What Prometheus sees: the catalogue of metrics, their samples and lines, and the HTTP server."""
