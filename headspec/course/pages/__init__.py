"""What people see: results, exercises, hints, templates; progress, and waiting for saves.

In: ``Result`` and ``Exercise``.  Out: text and HTML.  Not for: deciding anything.
"""
