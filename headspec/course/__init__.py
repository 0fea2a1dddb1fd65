"""The course: exercises with many right answers, and the checker that knows them.

    exercise file -> Exercise          loading.py
    answer text, file or object -> Answer        reading.py (text by ``dsl.answers``, numbers by ``backends.numbers``)
    Exercise + Answer -> Result        checking.py, with weights.py, values.py, mistakes.py
    Result -> text, JSON, picture      report.py

In: exercise files under ``specs/exercises`` (or a teacher's own), answers.  Out: ``Result``.  Not for: the exact
linear algebra of "the same head" (``compiler.equivalence``).
"""
