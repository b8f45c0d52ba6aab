"""2. The item: its history, the rules, and the fold into a summary."""
