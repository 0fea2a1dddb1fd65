"""Is it right?  Heads by what they do, values by exact comparison, properties by ranks.

In: ``Exercise`` and ``Answer``.  Out: ``CheckResult`` s with proofs or counterexamples.  Not for: saying which mistake
it was (``naming``).
"""
