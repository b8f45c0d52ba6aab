"""The item: history, rules, fold, codec and the batch."""
