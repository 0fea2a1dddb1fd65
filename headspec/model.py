"""The model as a person handles it: compile a spec, look at its matrices, run it, save it.

In: a spec's text or path.  Out: ``Model``, whose phases are computed when they are first asked for.
Not for: the mathematics of any phase (``compiler``), the float models themselves (``backends``), the verdict on them
(``verifying``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from dsl.diagnostics import Diagnostic, SpecError
from headspec import __version__
from headspec.run_result import RunResult
from headspec.settings import check_dtype, exact_settings, told_of
from headspec.specs_path import find_spec
from headspec.words import read_tokens

if TYPE_CHECKING:
    from torch import Tensor

    from backends.files.loading import Loaded
    from backends.lowered import Lowered
    from backends.numpy_model import NumpyModel
    from backends.torch_model import TorchModel
    from compiler.exact import Matrix
    from compiler.pipeline import Weights
    from compiler.program import Program
    from headspec.generation import Generated


def compile(
    text_or_path: str | Path,
    *,
    settings: Mapping[str, object] | None = None,
    dtype: str | None = None,
) -> Model:
    """The model that a spec describes; its weights are computed when they are first needed.

    ``text_or_path``: the text itself (anything with a line break), a path, or the name of a packaged spec.
    ``settings`` replaces params and symbols by exact numbers: ``{"beta": Fraction(3, 2)}``, ``{"beta": "0.25"}``.
    ``dtype``: float64, float32, float16 or bfloat16 instead of the spec's; strengths are solved for it.

    Raises SpecError, whose ``diagnostics`` have a code, a message, a place in the text and a help; printed, it is
    what the command line prints.  A spec that reads well but cannot be realised raises it from ``Model.weights``."""
    from compiler.resolution import resolve
    from dsl.parser import parse
    from headspec.files import read_text

    if isinstance(text_or_path, str) and "\n" in text_or_path:
        text, name = text_or_path, "<text>"
    else:
        path = find_spec(str(text_or_path))
        text, name = read_text(path), str(path)
    values = exact_settings(settings)
    with told_of(values):
        program = resolve(parse(text, name=name), values)
    if dtype is not None:
        program = replace(program, dtype=check_dtype(dtype))
    return Model(program, settings=values)


class Model:
    """A compiled spec.  ``program`` is what it says; ``weights`` are exact, ``lowered`` the same in floats.

    Residual vectors x are columns.  A head scores key k for query q by x_q^T QK x_k / sqrt(d_head), QK = W_Q^T W_K,
    and adds OV x_k, OV = W_O W_V, to the query's residual vector for the keys it attends to."""

    def __init__(
        self, program: Program, weights: Weights | None = None, *, settings: Mapping[str, Fraction] | None = None
    ) -> None:
        self._program = program
        self.settings = dict(settings or {})
        if weights is not None:
            self.__dict__["weights"] = weights

    @property
    def program(self) -> Program:
        """The typed program; once the weights are computed, with the phase frequencies chosen."""
        return self.weights.program if "weights" in self.__dict__ else self._program

    @cached_property
    def weights(self) -> Weights:
        """The exact weights; SpecError when the spec cannot be realised (its figures say why)."""
        from compiler.pipeline import compile_program

        with told_of(self.settings):
            return compile_program(self._program)

    @cached_property
    def lowered(self) -> Lowered:
        """The weights as float64 arrays, each entry rounded once."""
        from backends.lowering import lower

        return lower(self.weights)

    def numpy(self) -> NumpyModel:
        """The float64 oracle: a plain transformer in NumPy."""
        from backends.numpy_model import NumpyModel

        return NumpyModel(self.lowered)

    def torch(self, dtype: str | None = None, device: str = "auto") -> TorchModel:
        """A ``torch.nn.Module`` in the spec's float type, on CUDA if there is one, else on the CPU.

        Rows of W_Q and W_K, of W_V and W_O are balanced by powers of two: the products are those of ``matrix``."""
        from backends.torch_model import TorchModel
        from headspec.devices import choose_device

        word = check_dtype(dtype or self.program.dtype)
        return TorchModel.from_lowered(self.lowered, dtype=word, device=choose_device(device))

    def transformer_lens(self, dtype: str | None = None, device: str = "auto") -> Any:
        """The same weights in a ``HookedTransformer``, which gives the same logits and activations.

        SpecError E0609 without transformer_lens (below 4), E0618 for what it cannot hold, such as ALiBi."""
        from backends.lens import hooked_transformer

        return hooked_transformer(self.torch(dtype, device))

    def to_tokens(self, text: str) -> Tensor:
        """The ids of a text of tokens, shape (1, n), for the torch modules; SpecError E0607."""
        import torch

        return torch.tensor([read_tokens(text, self.program.tokens, self.program.context)])

    def to_text(self, ids: Tensor | Sequence[int]) -> str:
        """The tokens that ids of any shape stand for, with spaces between."""
        import torch

        return " ".join(self.program.tokens[i] for i in torch.as_tensor(ids).flatten().tolist())

    # ------------------------------------------------------------------ looking

    def matrix(self, name: str, head: str | None = None) -> Matrix:
        """An exact matrix of a head (by name, or as ``L0H1``; only one head needs no name) or of the model.

        Of a head: W_Q, W_K, W_V (d_head, d_model), W_O (d_model, d_head), b_Q, b_K, b_V (d_head, 1),
        QK = W_Q^T W_K and OV = W_O W_V (d_model, d_model; with biases one more coordinate, the constant 1).
        Of the model: W_E (d_model, vocabulary), W_pos (d_model, context), W_U (vocabulary, d_model),
        b_U (vocabulary, 1).  SpecError E0606 for any other name."""
        from headspec.matrices.named import find_matrix

        return find_matrix(self.weights, name, head).matrix

    def sympy(self, name: str, head: str | None = None) -> Any:
        """``matrix`` as a SymPy matrix, with symbols free; those declared positive are positive there too."""
        positive = {symbol.name for symbol in self.program.symbols if symbol.positive}
        return self.matrix(name, head).to_sympy(positive)

    def show(self, name: str = "W_Q,W_K,W_V,W_O", head: str | None = None, *, latex: bool = False) -> str:
        """Matrices (the names of ``matrix``, separated by commas) as text or LaTeX; of every head if none is named.

        Rows and columns are named after residual coordinates; columns of zeros are left out, and a large matrix is
        listed by its nonzeros.  SpecError E0606 for a name that there is not."""
        from headspec.matrices.named import find_matrices
        from headspec.matrices.text import render_matrix
        from headspec.terminal import Drawing

        found = [named for word in name.split(",") for named in find_matrices(self.weights, word.strip(), head)]
        return Drawing("\n\n".join(render_matrix(named, latex=latex) for named in found))

    def run(self, text: str, generate: int = 0, stop: str | None = None) -> RunResult:
        """What the float64 model does with a text of tokens; SpecError E0607 for a word that is no token.

        ``generate``: with so many tokens behind it that the model generates, as ``Model.generate`` does."""
        import numpy as np

        from headspec.verification.outputs import best_tokens, speaks_of

        program, written = self.program, 0
        if generate:
            continued = self.generate(text, generate, stop)
            text, written = continued.text, len(continued.tokens)
        ids = read_tokens(text, program.tokens, program.context)
        observed = self.numpy().forward(np.array([ids]))
        said = best_tokens(program, observed.logits[0, -1])
        return RunResult(
            tokens=tuple(program.tokens[i] for i in ids),
            prediction=" ".join(program.tokens[i] for i, _ in said) if program.predict else None,
            margin=min((margin for _, margin in said), default=float("inf")),
            patterns=tuple(pattern[0] for pattern in observed.patterns),
            logits=observed.logits[0],
            heads=tuple((head.layer, head.index, head.name) for head in program.heads),
            valid=speaks_of(program, ids),
            generated=written,
        )

    @overload
    def generate(
        self, text: str, n: int, stop: str | None = None, *, dtype: str | None = None, device: str = "auto"
    ) -> Generated: ...

    @overload
    def generate(
        self,
        text: list[str] | tuple[str, ...],
        n: int,
        stop: str | None = None,
        *,
        dtype: str | None = None,
        device: str = "auto",
    ) -> list[Generated]: ...

    def generate(
        self,
        text: str | list[str] | tuple[str, ...],
        n: int,
        stop: str | None = None,
        *,
        dtype: str | None = None,
        device: str = "auto",
    ) -> Generated | list[Generated]:
        """Up to ``n`` tokens behind a text, or behind each of several, by greedy decoding with a KV cache.

        A text ends with the token ``stop`` where the model says it.  The torch model in the spec's float type is run.
        SpecError E0607 for a word that is no token, E0509 when ``n`` tokens do not fit into the context, E0455 when the
        spec has no ``predict`` line."""
        from headspec.generation import check_room, find_stop
        from headspec.generation import generate as generate_ids

        program = self.program
        if not program.predict:
            help = "say where the answer is read: `predict SUBSPACE`"
            raise SpecError(
                Diagnostic("E0455", "the model predicts nothing, so it cannot go on with a text", help=help)
            )
        texts = [text] if isinstance(text, str) else list(text)
        prompts = [read_tokens(part, program.tokens, program.context) for part in texts]
        end = find_stop(stop, program.tokens)
        for prompt in prompts:
            check_room(len(prompt), n, program.context)
        found = generate_ids(self.torch(dtype, device), program.tokens, prompts, n, end) if prompts else []
        return found[0] if isinstance(text, str) else found

    # ------------------------------------------------------------------ keeping

    def save(self, folder: str | Path, dtype: str | None = None, *, force: bool = False) -> Path:
        """Write the weights, the spec and a description into ``folder`` (safetensors and JSON), and return it.

        A folder with other things in it is refused (SpecError E0610) unless ``force``."""
        from backends.files.saving import save

        kind = check_dtype(dtype or self.program.dtype)
        return save(self.lowered, self.program, folder, kind, settings=self.settings, force=force, version=__version__)

    def __repr__(self) -> str:
        program = self.program
        heads = ", ".join(f"{head.place} {head.name}" for head in program.heads)
        return f"<headspec model {program.name}: d_model {program.width}, context {program.context}; {heads}>"

    def _repr_html_(self) -> str:
        from headspec.pictures.plotting import summary_html

        return summary_html(self.program)


def load(folder: str | Path, *, device: str = "auto") -> Loaded:
    """A saved model: its torch module is ``.model``, its spec ``.program``.  SpecError when it is not whole."""
    from backends.files.loading import load as load_folder
    from headspec.devices import choose_device

    return load_folder(folder, device=choose_device(device))
