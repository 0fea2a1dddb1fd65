"""From the syntax tree to the typed program: every name known, every set finite, every line checked.

In: a ``Spec`` and settings (``--set``).  Out: ``Program``; or all independent mistakes at once, as one SpecError.
Not for: what cannot be realised by weights (``circuits``, ``sharpness``).

``resolving`` runs the phases in reading order and ``scope`` holds what is known so far.  ``settings``, ``patterns``,
``sets`` and ``numbers`` read declarations; ``encodings``, ``codes``, ``layout`` and ``embeds`` the residual stream;
``heads`` with ``sides``, ``relations``, ``constants``, ``copies``, ``matrices`` and ``liveness`` the heads; ``claims``
the expect lines.  ``families`` writes ``for`` out, ``slots`` reads layouts, ``scheduling`` finds the layers;
``computes`` types the compute lines, ``inputs``, ``intervals`` and ``ranges`` say which values they can give.
"""

from compiler.resolution.resolving import resolve

__all__ = ["resolve"]
