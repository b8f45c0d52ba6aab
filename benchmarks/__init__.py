"""The benchmarks: flowgauge beside its peers and beside what Kafka allows. `python -m benchmarks --help`."""
