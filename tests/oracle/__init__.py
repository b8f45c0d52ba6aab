"""The oracle: every number computed a second time, by brute force, from the contract alone.

Nothing here may import from `stream`; whatever the two share could be wrong in both.
"""
