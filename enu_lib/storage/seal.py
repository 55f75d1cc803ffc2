"""Checksums of what a file stores, kept in the same file, so that damage is noticed when it is loaded.

    words = sealed({"seed": 3}, tensors)      # {"seed": 3, "checksum": "5f0c.."}
    verify(words, tensors)                    # ValueError if the words or the tensors have changed
    mention(path, words)                      # one line on stderr if there is no checksum: an older file

A checksum protects against damage, not against forgery: whoever can write the file can write its checksum.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from enu_lib.base.kinds import Json
from enu_lib.base.notices import tell

if TYPE_CHECKING:
    from torch import Tensor

CHECKSUM = "checksum"


def checksum(words: Mapping[str, object], tensors: Mapping[str, Tensor] | None = None) -> str:
    """SHA-256 of a JSON object, without its own checksum, and of tensors with their names, types and shapes."""
    text = json.dumps({key: value for key, value in words.items() if key != CHECKSUM}, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted((tensors or {}).items()):
        digest.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def sealed(words: Mapping[str, object], tensors: Mapping[str, Tensor] | None = None) -> Json:
    """A JSON object with the checksum of itself and of the tensors stored with it."""
    plain = json.loads(json.dumps(words))  # as it will be read back
    return {**plain, CHECKSUM: checksum(plain, tensors)}


def verify(words: Mapping[str, object], tensors: Mapping[str, Tensor] | None = None) -> None:
    """Raise ValueError if there is a checksum and it does not match."""
    if CHECKSUM in words and words[CHECKSUM] != checksum(words, tensors):
        raise ValueError("its content does not match its checksum")


def mention(path: Path, words: Mapping[str, object]) -> None:
    """Print one line on stderr if a file has no checksum."""
    if CHECKSUM not in words:
        tell(f"{path} has no checksum, since an earlier version wrote it: damage to it may go unnoticed")
