"""Which mistake was it?  Typical ones are variants of our own heads, others are listed by the teacher.

In: a refused answer.  Out: ``Mistake`` s.  Not for: refusing it (``judging``).
"""
