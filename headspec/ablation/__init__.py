"""Ablation and patching: a model with its edges cut, or with patterns and activations put in, before and after.

In: a model, ``Edit`` s.  Out: ``AblationFigures``.  Not for: how the hooks run (``backends.interventions``).
"""
