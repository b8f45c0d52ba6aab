"""Worked examples: stories with numbers computed by hand."""
