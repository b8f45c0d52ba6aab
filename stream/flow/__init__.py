"""3. The numbers: boards that summaries are put into and taken out of, cut to windows when they are read."""
