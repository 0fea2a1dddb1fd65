"""The valid inputs of a spec: patterns of tokens, their automata, their sequences up to a length.

In: patterns.  Out: sequences, counts, samples.  Not for: what they mean (``reference``).
"""
