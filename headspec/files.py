"""Reading files from disk, and writing them so that nothing is ever half written.

In: paths.  Out: texts, bytes; or files that appear at once and complete.  Not for: what the text says.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dsl.diagnostics import Diagnostic, SpecError
from dsl.span import Source, Span

MAX_BYTES = 4 * 1024 * 1024


def read_text(path: Path) -> str:
    """The text of a spec; ``\\r\\n`` becomes ``\\n`` and a byte-order mark is dropped.

    Raises SpecError E0601 (cannot be read), E0602 (not UTF-8) or E0603 (larger than 4 MiB)."""
    data = read_bytes(path, MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SpecError(
            Diagnostic(
                "E0603", f"`{path}` is larger than 4 MiB", help="a spec is a page or two: is this the right file?"
            )
        )
    return decode_text(str(path), data)


def read_bytes(path: Path, most: int) -> bytes:
    """The first ``most`` bytes of a file; SpecError E0601 when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(most)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(Diagnostic("E0601", f"`{path}` cannot be read: {reason}")) from None


def decode_text(path: str, data: bytes) -> str:
    """The same for bytes from elsewhere; SpecError E0602."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(_not_utf8(path, data, error.start)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_utf8(path: str, data: bytes, offset: int) -> Diagnostic:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Diagnostic("E0602", f"`{path}` is UTF-16, not UTF-8", help="save the file as UTF-8")
    if b"\0" in data:
        saved = Path(path).parent / "spec.head"  # beside the weights that ``compile -o`` saves
        help = f"the spec of these weights is `{saved}`" if saved.is_file() else "a spec is a page of text"
        return Diagnostic("E0602", f"`{path}` is no text: it holds bytes", help=help)
    text = data.decode("utf-8", errors="replace")
    start = len(data[:offset].decode("utf-8", errors="replace"))
    return Diagnostic(
        "E0602",
        f"`{path}` is not UTF-8 text",
        Span(start, start + 1, Source(path, text)),
        label=f"byte 0x{data[offset]:02x} at offset {offset}",
        help="save the file as UTF-8",
    )


def write_text(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write ``text`` beside ``path`` and then rename it over ``path``."""
    write_bytes(path, text.encode("utf-8"), overwrite=overwrite)


def write_bytes(path: Path, data: bytes, *, overwrite: bool = True) -> None:
    """Write beside, then rename: a reader sees the old file or the new one.  SpecError E0605 when it cannot be."""
    if not overwrite and path.exists():
        raise SpecError(Diagnostic("E0605", f"`{path}` exists already", help="choose another name, or remove it first"))
    try:
        _replace(path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        missing = not path.parent.exists()
        help = f"there is no folder `{path.parent}`: make it first" if missing else None
        raise SpecError(Diagnostic("E0605", f"`{path}` cannot be written: {reason}", help=help)) from None


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve()  # through a symbolic link, as an editor would
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
