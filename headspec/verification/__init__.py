"""Verification: the compiled model against what its spec means and claims, on sequences that are looked at.

In: a model and its program.  Out: ``Verification``.  Not for: inputs too many to list (``headspec.every``).
"""
