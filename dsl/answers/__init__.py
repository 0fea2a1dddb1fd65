"""Answers to exercises, as people type them: matrices, formulas, LaTeX, plain mathematics.

In: text.  Out: trees.  Not for: whether they are right (``headspec.course``).
"""
