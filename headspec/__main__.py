"""``python -m headspec`` is the ``headspec`` command."""

from headspec.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
