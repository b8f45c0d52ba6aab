"""What the engine does with Kafka: topics, offsets, reads, writes in batches, and the item table's rows."""
