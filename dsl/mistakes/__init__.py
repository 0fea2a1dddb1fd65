"""What is wrong with a text, in words that say how to mend it.

In: what the parser stumbled over.  Out: ``Diagnostic`` s.  Not for: mistakes of meaning (``compiler``).
"""
