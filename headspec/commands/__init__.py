"""Commands: what ``headspec compile``, ``run``, ``verify`` .. do, and their options.

In: parsed options.  Out: text or JSON on standard output, files, an exit status.  Not for: the work itself (the modules
beside this folder), nor for which commands there are (``headspec.cli``).
"""
