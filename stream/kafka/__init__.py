"""Kafka's edge: topics, offsets, writes in batches, and Faust's transport and table in batches."""
