"""One file a part: what it measures, how often, and the result."""
