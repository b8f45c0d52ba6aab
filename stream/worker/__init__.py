"""The worker: track and measure, the feed, and when numbers are shown."""
