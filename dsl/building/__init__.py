"""From Lark's parse trees to the nodes of ``dsl.tree``, line by line.

In: parse trees.  Out: frozen nodes with exact spans.  Not for: what names mean (``compiler.resolution``).
"""
