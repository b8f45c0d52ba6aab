"""One file for each contestant: a program that reads a topic, counts, and reports when it began and was done."""
