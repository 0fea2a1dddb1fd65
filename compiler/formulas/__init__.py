"""Formulas in matrices and vectors: are two of them the same for all matrices of their shapes?

In: trees of formulas.  Out: verdicts with reasons.  Not for: heads (``equivalence``).
"""
