"""The numbers: timelines, boards, statistics and the report."""
