"""One file a part: what is measured, how often, and what comes of it."""
