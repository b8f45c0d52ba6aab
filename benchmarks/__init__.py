"""The benchmarks compare flowgauge with its peers and with the limits of Kafka. `python -m benchmarks --help`."""
