"""Numbers that NumPy and torch made: arrays and tensors -> plain arrays, checked.

In: NumPy arrays, torch tensors, and what can turn itself into an array.  Out: ``Numbers``: a shape, and entries in
float64 or whole.  Not for: what the numbers mean; files of them (``files.arrays``).
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    import numpy as np

MAX_ENTRIES = 1_000_000


@dataclass(frozen=True, eq=False)
class Numbers:
    """``array`` holds float64 or integer entries, all finite.  ``precision``: how many significant bits the type that
    they came in keeps (53, 24, 11 or 8); None for integers."""

    array: np.ndarray[Any, Any]
    precision: int | None

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(int(size) for size in self.array.shape)


def from_object(value: object, where: str) -> Numbers | None:
    """The numbers of an array or a tensor, float types at their exact value; None for anything else.

    SpecError E0734 (too many entries), E0735 (not real finite numbers)."""
    import numpy as np

    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_tensor(value, where)
    if isinstance(value, np.ma.MaskedArray):
        not_real(where, "is a masked array", "fill it in: `array.filled(0)`")
    if isinstance(value, np.ndarray):
        return from_array(value, where)
    if hasattr(value, "__array__") and not isinstance(value, np.generic | type):
        return from_array(np.asarray(value), where)
    return None


def from_array(array: np.ndarray[Any, Any], where: str, precision: int | None = None) -> Numbers:
    """A NumPy array of integers, booleans or floats; E0734 and E0735 as ``from_object``."""
    import numpy as np

    kind = array.dtype.kind
    check_kind(kind, array.dtype.itemsize, where, str(array.dtype))
    check_count(array.size, where)
    array = np.asarray(array)
    if kind != "f":
        return Numbers(array.astype(np.int64) if kind == "b" else array, None)
    bits = precision or np.finfo(array.dtype).nmant + 1
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        place = ", ".join(str(int(i)) for i in np.argwhere(~np.isfinite(wide))[0])
        not_real(f"{where}[{place}]", f"is {wide[~np.isfinite(wide)][0]}", "an answer is made of finite numbers")
    return Numbers(wide, int(bits))


def _from_tensor(tensor: Any, where: str) -> Numbers:
    import torch

    check_count(math.prod(tensor.shape), where)
    if tensor.is_complex():
        check_kind("c", 8, where, str(tensor.dtype))
    try:
        plain = tensor.detach()
        plain = plain.to_dense() if plain.layout is not torch.strided else plain
        if plain.is_floating_point():
            bits = 1 - round(math.log2(torch.finfo(tensor.dtype).eps))
            return from_array(plain.to(device="cpu", dtype=torch.float64).numpy(), where, bits)
        return from_array(plain.cpu().numpy(), where)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        not_real(where, f"cannot be read: {reason}", "give a dense tensor: `tensor.detach().cpu()`")


def check_kind(kind: str, size: int, where: str, name: str) -> None:
    """E0735 for a type, of this NumPy kind and so many bytes, that holds no real numbers."""
    match kind:
        case "b" | "i" | "u":
            return
        case "f" if size <= 8:
            return
        case "f":
            not_real(where, f"has the type {name}", "save it as float64")
        case "c":
            not_real(where, "holds complex numbers", "an answer is made of real numbers: take `.real`")
        case "O":
            help = "an object array holds Python objects, which are pickled: save plain numbers, `array.astype(float)`"
            not_real(where, "is an object array", help)
        case _:
            not_real(where, f"has the type {name}", "save plain numbers, `array.astype(float)`")


def not_real(where: str, found: str, help: str) -> NoReturn:
    """E0735."""
    raise SpecError(Diagnostic("E0735", f"{where} {found}", help=help))


def check_count(count: int, where: str) -> None:
    """E0734 above a million entries."""
    if count > MAX_ENTRIES:
        found = f"{where} has {count:,} entries" if count < 10**15 else f"{where} has far too many entries"
        raise SpecError(Diagnostic("E0734", f"{found}, and the most is {MAX_ENTRIES:,}", help="give one head's matrix"))
