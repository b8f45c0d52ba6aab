"""Faust's edge: track and measure, and when their numbers are true."""
