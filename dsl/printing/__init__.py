"""The formatter: from a tree and its comments to the one way to write it.

In: trees.  Out: text.  Not for: reports.
"""
