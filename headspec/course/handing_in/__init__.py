"""Whatever is handed in, as one ``Answer``: text and LaTeX, heads of a spec, files of numbers, Python objects.

In: texts, paths, objects, and the exercise that they answer.  Out: ``Answer``.  Not for: judging (``judging``).
"""
