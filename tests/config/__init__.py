"""Tests of the configuration: the model, its mistakes, its schema and the command that checks it."""
