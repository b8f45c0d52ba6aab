"""4. What Prometheus sees: the catalogue of metrics, the collector and the page."""
