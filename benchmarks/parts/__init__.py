"""One file for each part: what it measures, how often, and the result."""
