"""Analyses that papers make of trained models: attribution, probes, trees of attention, geometry.

In: a compiled model, or any module with TransformerLens' hooks and the spec that it is held against.  Out: frozen
results that can be printed, drawn, and written as JSON.  Not for: edits (``headspec.ablation.ablating``), spectra
(``headspec.spectra``).

``texts`` draws what is run; ``attribution``, ``probing``, ``tree`` and ``geometry`` are one analysis each; ``report``
says them in words, ``drawings`` turns them into a ``scene``, which ``scene_svg`` and ``scene_png`` draw.
"""
