"""flowgauge: live flow metrics, from work-item changes through Kafka to Prometheus gauges."""

__version__ = "0.1.0"
