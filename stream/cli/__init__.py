"""The `flowgauge` command, one file a command."""
