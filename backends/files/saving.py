"""A compiled model -> a folder.

In: a model, its program and a folder's name.  Out: four files (``model_folder``) that appear complete or not at all.
Not for: reading them (``loading``).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from backends.config import Config
from backends.files import tensorfile
from backends.files.model_folder import (
    CONFIG,
    FORMAT,
    FORMAT_VERSION,
    SPEC,
    TENSORS,
    TOKENS,
    json_text,
    metadata_sha256,
    read_text,
    sha256,
)
from backends.lowered import Lowered
from backends.subspaces import subspaces_to_json
from compiler.program import Program
from dsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from torch import Tensor

    from backends.torch_model import TorchModel


def save(
    model: Lowered | TorchModel,
    program: Program,
    folder: str | os.PathLike[str],
    dtype: str | None = None,
    *,
    settings: Mapping[str, Fraction] | None = None,
    force: bool = False,
    version: str | None = None,
) -> Path:
    """Writes the four files and returns the folder.

    ``dtype`` defaults to the torch model's own, or to the program's.  A folder with other things in it is left
    alone (SpecError E0610) unless ``force``, which replaces the four files and touches nothing else.  E0617: cannot
    be written.  E0508: an entry does not fit ``dtype``."""
    path = Path(folder)
    _check_target(path, force)
    kind, tensors, config = _tensors(model, program, dtype)
    metadata = _metadata(program, config, kind, settings or {}, version)
    metadata["tensors_sha256"] = tensorfile.data_sha256(tensors)
    metadata["metadata_sha256"] = metadata_sha256(metadata)
    try:
        _write_folder(path, _texts(program, config, metadata), tensors, metadata)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecError(Diagnostic("E0617", f"`{path}` cannot be written: {reason}")) from None
    return path


def _tensors(model: Lowered | TorchModel, program: Program, dtype: str | None) -> tuple[str, dict[str, Tensor], Config]:
    from backends.state import cast_state, dtype_name
    from backends.torch_model import TorchModel

    if isinstance(model, Lowered):
        kind = dtype or program.dtype
        built = TorchModel.from_lowered(model, kind)
    else:
        kind, built = dtype or dtype_name(model.dtype), model
    return kind, cast_state(built.state_dict(), kind), built.sizes


def _metadata(
    program: Program, config: Config, dtype: str, settings: Mapping[str, Fraction], version: str | None
) -> dict[str, str]:
    """The flat map of texts that travels inside ``model.safetensors``."""
    return {
        "format": "pt",
        "headspec_format": FORMAT_VERSION,
        "headspec_version": version or _installed_version(),
        "model": program.name,
        "dtype": dtype,
        "spec": program.text,
        "spec_sha256": sha256(program.text),
        "settings": json_text({name: str(value) for name, value in sorted(settings.items())}),
        "subspaces": json_text(subspaces_to_json(program)),
        "config": json_text(config.to_json()),
    }


def _texts(program: Program, config: Config, metadata: Mapping[str, str]) -> dict[str, str]:
    said = ("headspec_version", "model", "dtype", "spec_sha256", "tensors_sha256")
    described: dict[str, object] = {"format": FORMAT, "format_version": FORMAT_VERSION}
    described |= {key: metadata[key] for key in said} | config.to_json()
    described["subspaces"] = subspaces_to_json(program)
    vocabulary = {token: i for i, token in enumerate(config.tokens)}
    return {CONFIG: json_text(described, indent=2), TOKENS: json_text(vocabulary, indent=0), SPEC: program.text}


def _check_target(path: Path, force: bool) -> None:
    if not path.exists() and not path.is_symlink():
        return
    if path.is_dir() and (force or _is_ours(path)):
        return
    found = "a folder with other things in it" if path.is_dir() else "not a folder"
    raise SpecError(
        Diagnostic("E0610", f"`{path}` is {found}", help="choose another name" + ", or force it" * path.is_dir())
    )


def _is_ours(path: Path) -> bool:
    """An empty folder, or one whose config.json says that we wrote it."""
    try:
        if not any(path.iterdir()):
            return True
        described = json.loads(read_text(path / CONFIG))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(described, dict) and described.get("format") == FORMAT


def _write_folder(
    path: Path, texts: Mapping[str, str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Beside, then renamed: whoever looks sees the old files, the new ones, or (file by file) a mixture that
    ``load`` refuses by its hashes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.parent / f".{path.name}.{secrets.token_hex(4)}.partial"
    stage.mkdir()
    try:
        for name, text in texts.items():
            (stage / name).write_bytes(text.encode())
        with open(stage / TENSORS, "wb") as file:
            tensorfile.write(file, tensors, metadata)
        if path.is_dir():
            for name in (*texts, TENSORS):
                os.replace(stage / name, path / name)
        else:
            os.rename(stage, path)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _installed_version() -> str:
    try:
        return importlib.metadata.version("headspec")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
