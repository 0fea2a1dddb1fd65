"""Matrices by name, with the names of their rows and columns, as text and LaTeX.

In: a compiled model.  Out: ``Matrix``, text.  Not for: solving them (``compiler``).
"""
