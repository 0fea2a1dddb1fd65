"""Where a model runs, and how a verification sees it.

In: words such as ``auto`` or ``cuda:1``; models of the backends.  Out: devices that exist; ``ObservedModel``s for
``verification``.  Imports torch only inside functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from backends.numpy_model import NumpyModel
    from backends.torch_model import TorchModel


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise SpecError(
            Diagnostic("E0609", "this needs torch, which is not installed", help="pip install torch")
        ) from None
    return torch


def choose_device(word: str) -> str:
    """``auto`` is CUDA if there is one, else the CPU; any other word is a torch device that must work here (E0608)."""
    torch = _torch()
    if word == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=torch.device(word)).sum().item()
    except (RuntimeError, AssertionError, NotImplementedError):
        raise SpecError(Diagnostic("E0608", f"there is no device `{word}` here", help=_devices(torch))) from None
    return word


def own_device(word: str) -> str:
    """``word``, or where ``torchrun`` started several processes on GPUs, the one that is this process's own."""
    from headspec.every.asking import environment, launched

    if not launched() or word not in ("auto", "cuda") or not _torch().cuda.is_available():
        return word
    return f"cuda:{environment('LOCAL_RANK')}"


def _devices(torch: Any) -> str:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        return "auto or cpu: PyTorch sees no CUDA device on this machine"
    return ", ".join(["auto, cpu, cuda", *(f"cuda:{i}" for i in range(count))])


@dataclass(frozen=True, slots=True)
class ObservedTorch:
    """A torch model as ``verification.ObservedModel``: patterns by hook name, logits from the fused path that
    people run."""

    model: TorchModel
    device: str
    dtype: str

    def observe(self, tokens: NDArray[Any]) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        torch = _torch()
        names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(self.model.sizes.n_layers)]
        with torch.inference_mode():
            _, cache = self.model.run_with_cache(tokens, names)
            return [_array(cache[name]) for name in names], _array(self.model(tokens))

    def generate(self, tokens: NDArray[Any], n: int) -> NDArray[Any]:
        """(batch, m) -> (batch, m + n), by greedy decoding with the KV cache."""
        return _array(self.model.generate(tokens, n))


def _array(tensor: Any) -> NDArray[Any]:
    """The tensor's numbers, exactly: half types, which NumPy lacks or computes in slowly, become float32."""
    wide = tensor if tensor.element_size() >= 4 else tensor.float()
    array: NDArray[Any] = wide.cpu().numpy()
    return array


@dataclass(frozen=True, slots=True)
class ObservedNumpy:
    """The float64 oracle as ``verification.ObservedModel``."""

    model: NumpyModel
    device: str = "cpu"
    dtype: str = "float64"

    def observe(self, tokens: NDArray[Any]) -> tuple[list[NDArray[Any]], NDArray[Any]]:
        run = self.model.forward(tokens)
        return list(run.patterns), run.logits


def observe_torch(model: TorchModel) -> ObservedTorch:
    """Wrap a torch model, on its own device and in its own float type."""
    from backends.state import dtype_name

    return ObservedTorch(model, str(model.device), dtype_name(model.dtype))
