"""Computation independent of torch's global settings: float32, no gradients, no autocast.

Under `torch.autocast` matrix products are computed in 16 bits, whatever the dtype of their operands.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def in_float32(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: run the function with gradients and autocast disabled."""

    @wraps(function)
    def plain(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExitStack() as off:
            off.enter_context(torch.no_grad())
            for device in ("cpu", "cuda"):
                if torch.is_autocast_enabled(device):
                    off.enter_context(torch.autocast(device, enabled=False))
            return function(*args, **kwargs)

    return plain
