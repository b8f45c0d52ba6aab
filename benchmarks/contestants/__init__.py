"""One file a contestant: a program that reads a topic, counts, and says when it began and when it was done."""
