"""The `flowgauge` command, one module for each command."""
