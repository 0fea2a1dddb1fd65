"""A folder -> the model that was saved in it.

In: a folder that ``saving`` wrote, or its ``model.safetensors`` alone.  Out: ``Loaded``.  Not for: other libraries'
formats.

Nothing that is read is executed, and every hash, shape and type is checked before a model is built.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from backends.config import DTYPES, Config
from backends.files import tensorfile
from backends.files.model_folder import FORMAT_VERSION, SPEC, TENSORS, metadata_sha256, read_text, sha256
from compiler.program import Dtype, Program
from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    import torch

    from backends.torch_model import TorchModel


@dataclass(frozen=True, eq=False, repr=False)
class Loaded:
    """A model read from a folder.  ``subspaces``: name -> coordinates, components, encoding; ``spec``: the text;
    ``settings``: the params and symbols that were set beside it; ``metadata``: all texts of the file."""

    model: TorchModel
    config: Config
    dtype: str
    spec: str
    settings: dict[str, Fraction]
    subspaces: dict[str, dict[str, Any]]
    metadata: dict[str, str]

    def __repr__(self) -> str:
        sizes = self.config
        shape = f"{sizes.n_layers} layers of {sizes.n_heads} heads, d_model {sizes.d_model}"
        return f"<saved model {self.metadata['model']}: {shape}, {self.dtype} on {self.model.device}>"

    @cached_property
    def program(self) -> Program:
        """The spec, read and resolved again.  SpecError as from the text, or E0615 if it is another model's."""
        from compiler.resolution import resolve
        from compiler.sharpness import complete_frequencies
        from compiler.spilling import in_layers
        from dsl.parser import parse

        program = resolve(parse(self.spec, SPEC), self.settings)
        for dtype in dict.fromkeys((program.dtype, cast(Dtype, self.dtype))):
            if self.subspaces.keys() <= {subspace.name for subspace in program.subspaces}:
                break
            program = in_layers(complete_frequencies(replace(program, dtype=dtype)))[0]  # lines done in steps
        if (program.tokens, program.context) != (self.config.tokens, self.config.n_ctx):
            raise SpecError(Diagnostic("E0615", "the spec in the file has not the tokens and the context of its model"))
        return program


def load(folder: str | os.PathLike[str], device: str | torch.device = "cpu") -> Loaded:
    """The model in a folder that ``save`` wrote (or in its ``model.safetensors`` alone), in the type it was saved in.

    SpecError E0611 (nothing to read), E0612 (damaged), E0613 (too large), E0614 (a hash disagrees), E0615 (not
    written by headspec, or by a later one), E0616 (tensors that are not the ones its sizes call for)."""
    from backends.torch_model import TorchModel

    path = Path(folder)
    path = path / TENSORS if path.is_dir() else path
    file = tensorfile.read(path)
    metadata = file.metadata
    _check_format(path, metadata)
    _check_hashes(path, file)
    config, dtype = _config(path, file), metadata["dtype"]
    _check_tensors(path, file, config, dtype)
    settings, subspaces = _settings(path, metadata), _subspaces(path, metadata, config)
    model = TorchModel(config, dtype, device)
    model.load_state_dict(file.tensors, strict=True)
    return Loaded(model, config, dtype, metadata["spec"], settings, subspaces, metadata)


_REQUIRED = (
    "headspec_version",
    "dtype",
    "spec",
    "spec_sha256",
    "tensors_sha256",
    "metadata_sha256",
    "settings",
    "subspaces",
    "config",
)


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    version = metadata.get("headspec_format")
    if version is None:
        raise _foreign(path, "it was not written by headspec")
    if version != FORMAT_VERSION:
        raise _foreign(path, f"its format is {version!r}, and this headspec reads {FORMAT_VERSION!r}")
    missing = [key for key in _REQUIRED if key not in metadata]
    if missing:
        raise _foreign(path, f"its metadata lacks {', '.join(missing)}")
    if metadata["dtype"] not in DTYPES:
        raise _foreign(path, f"no float type is called {metadata['dtype']!r}")


def _check_hashes(path: Path, file: tensorfile.TensorFile) -> None:
    metadata = file.metadata
    if metadata_sha256(metadata) != metadata["metadata_sha256"]:
        raise _changed(path, "its metadata has another hash than it says")
    if sha256(metadata["spec"]) != metadata["spec_sha256"]:
        raise _changed(path, "its spec has another hash than it says")
    if file.sha256 != metadata["tensors_sha256"]:
        raise _changed(path, "its tensors have another hash than it says")
    beside = path.parent / SPEC
    if path.name == TENSORS and beside.is_file() and _sidecar(beside) != metadata["spec"]:
        raise _changed(beside, f"it is not the text that {TENSORS} was compiled from")


def _sidecar(path: Path) -> str | None:
    try:
        return read_text(path)
    except (OSError, ValueError):
        return None


def _config(path: Path, file: tensorfile.TensorFile) -> Config:
    try:
        config = Config.from_json(json.loads(file.metadata["config"]))
    except (ValueError, RecursionError) as error:
        raise _foreign(path, str(error)) from None
    if config.n_layers > len(file.tensors):
        raise _mismatch(path, f"{config.n_layers} layers, and {len(file.tensors)} tensors")
    return config


def _check_tensors(path: Path, file: tensorfile.TensorFile, config: Config, dtype: str) -> None:
    from backends.attention import wider
    from backends.state import dtype_name, torch_dtype

    shapes, kind = config.shapes(), torch_dtype(dtype)
    if file.tensors.keys() != shapes.keys():
        odd = sorted(file.tensors.keys() ^ shapes.keys())[0]
        raise _mismatch(path, f"`{odd}` is {'missing' if odd in shapes else 'not a tensor of this model'}")
    for name, shape in shapes.items():
        tensor, expected = file.tensors[name], wider(kind) if name.endswith(".slopes") else kind
        if tuple(tensor.shape) != shape or tensor.dtype != expected:
            found = f"{dtype_name(tensor.dtype)} {tuple(tensor.shape)}"
            raise _mismatch(path, f"`{name}` is {found}, and should be {dtype_name(expected)} {shape}")


def _settings(path: Path, metadata: Mapping[str, str]) -> dict[str, Fraction]:
    try:
        found = json.loads(metadata["settings"])
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise ValueError("not a map of texts")
        return {name: _fraction(value) for name, value in found.items()}
    except (ValueError, RecursionError, ZeroDivisionError) as error:
        raise _foreign(path, f"its settings are malformed: {error}") from None


def _fraction(text: str) -> Fraction:
    if len(text) > 2000 or not set(text) <= set("-/0123456789"):
        raise ValueError("not a fraction")
    return Fraction(text)


def _subspaces(path: Path, metadata: Mapping[str, str], config: Config) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads(metadata["subspaces"])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(_is_subspace(value, config) for value in found.values()):
        raise _foreign(path, "its subspaces are malformed")
    return found


def _is_subspace(value: object, config: Config) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("encoding"), dict):
        return False
    coordinates, components = value.get("coordinates"), value.get("components")
    if not isinstance(coordinates, list) or not isinstance(components, list) or len(coordinates) != len(components):
        return False
    in_range = all(type(c) is int and 0 <= c < config.d_model for c in coordinates)
    return in_range and all(isinstance(c, str) for c in components)


def _foreign(path: Path, what: str) -> SpecError:
    return SpecError(
        Diagnostic("E0615", f"`{path}` is not a model that can be read: {what}", help="compile the spec again")
    )


def _changed(path: Path, what: str) -> SpecError:
    return SpecError(
        Diagnostic(
            "E0614",
            f"`{path}` was changed after it was compiled: {what}",
            help="undo the change, or compile again",
        )
    )


def _mismatch(path: Path, what: str) -> SpecError:
    return SpecError(
        Diagnostic("E0616", f"`{path}` does not hold the tensors of its model: {what}", help="compile the spec again")
    )
