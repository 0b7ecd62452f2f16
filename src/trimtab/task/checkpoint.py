"""Checkpoints as bytes: tensors in safetensors form, everything else as JSON beside them. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from trimtab.errors import CheckpointError

FORMAT = "trimtab.torch.1"
# one entry only: safetensors writes the entries of a file's metadata in no fixed order, and equal states give equal bytes
_ENTRY = "trimtab"


def pack(tensors: Mapping[str, Tensor], record: Mapping[str, Any]) -> bytes:
    """Return ``tensors`` and the plain data of ``record`` as bytes."""
    owned: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        tensor = tensor.detach().to("cpu").contiguous()
        # tied weights and views share memory, which the format forbids
        if tensor.untyped_storage().data_ptr() in storages:
            tensor = tensor.clone()
        storages.add(tensor.untyped_storage().data_ptr())
        owned[name] = tensor
    return save(owned, {_ENTRY: json.dumps({"format": FORMAT, **record})})


def unpack(checkpoint: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what was packed; raise CheckpointError if ``checkpoint`` is cut short or of another kind."""
    try:
        tensors, entry = load(checkpoint), _entry(checkpoint)
    except (SafetensorError, ValueError, TypeError) as error:
        raise CheckpointError(f"checkpoint: {len(checkpoint)} bytes that are cut short or not safetensors: {error}") from None
    record = json.loads(entry or "{}")
    if record.get("format") != FORMAT:
        raise CheckpointError(f"checkpoint: expected one of format {FORMAT}, got {record.get('format')!r}")
    return tensors, record


def is_checkpoint(content: bytes) -> bool:
    """Return whether the safetensors in ``content`` were packed here, in whatever version."""
    try:
        return _entry(content) is not None
    except ValueError:
        return False


def _entry(content: bytes) -> str | None:
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__", {}).get(_ENTRY)
