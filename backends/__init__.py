"""Exact weights -> things that run: numbers with a bound, a NumPy oracle, a torch module, files.

In: ``compiler.pipeline.Weights``.  Out: models of the receiving libraries, each imported only by its own module.
Not for: deciding what a spec means, or which weights realise it.
"""
