"""Exercise files: TOML into ``Exercise``, with every mistake in its place; and the rehearsal of their own answers.

In: paths.  Out: ``Exercise``, lists of them.  Not for: students' answers (``handing_in``).
"""
