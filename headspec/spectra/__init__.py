"""Fourier analysis of a model that computes on a circle of tokens: ``headspec.fourier``, ``headspec plot --fourier``.

In: weights, and activations on every pair of operands.  Out: spectra, singular values, correlations; text, JSON and
pictures.  Not for: attention patterns (``headspec.pictures.plotting``).

From small to large: ``transforms`` (formulas over arrays), ``figures`` (what was found), ``inputs`` (which tokens and
prompts), ``analysis`` (of a model), ``report`` and ``panels``, ``drawing_svg``, ``drawing_png`` (how it is shown).
"""
