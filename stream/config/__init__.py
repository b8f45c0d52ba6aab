"""flow.yaml: the model, and every mistake with its line and how to fix it."""
