"""The course: exercises with many right answers, and the checker that knows them.

    exercise file -> Exercise               files/
    text, file or object -> Answer          handing_in/
    Exercise + Answer -> Result             checking.py, judging/ (is it right?), naming/ (which mistake was it?)
    Result, Exercise -> text, HTML          pages/

In: exercise files under ``specs/exercises`` (or a teacher's own), answers.  Out: ``Result``.  Not for: the exact
linear algebra of "the same head" (``compiler.equivalence``).
"""
