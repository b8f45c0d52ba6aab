"""`python -m stream` is `flowgauge`."""

from stream.cli.main import main

main()
