"""Scoring inside the compiled CPU kernel, step by step, for the paper's two single-unit tasks.

    scoring = of(task, batch, cell)     # Scoring of singles.h, or None: outputs are recorded, and the task scores them

The kernel computes the same numbers as the task's `score`, bit for bit, without one pass over memory for each operation.
"""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from enu_lib.cells import Cell
from enu_lib.tasks.iaf import IAF, IAFBatch, steps_since
from enu_lib.tasks.stdp import STDP, STDPBatch


class Scoring(ctypes.Structure):
    """Scoring of singles.h, which points into the tensors in `keep`."""

    _fields_ = [
        ("target", ctypes.c_void_p),
        ("since", ctypes.c_void_p),
        ("fires_above", ctypes.c_float),
        ("before", ctypes.c_int32),
    ]
    keep: Tensor


def of(task: object, batch: object, cell: Cell) -> Scoring | None:
    """How the kernel scores a task of single units in this batch, on the CPU; None if it cannot."""
    if cell.n_out != 1:
        return None
    if type(task) is STDP and isinstance(batch, STDPBatch) and batch.target.dtype == torch.float32:
        keep, at = batch.target.contiguous(), "target"
        scoring = Scoring()
    elif type(task) is IAF and isinstance(batch, IAFBatch) and batch.spikes.dtype == torch.bool:
        keep, at = steps_since(batch.spikes, task.before).to(torch.int32).contiguous(), "since"
        scoring = Scoring(fires_above=task.fires_above, before=task.before)
    else:
        return None
    if keep.shape != batch.inputs.shape[:2] or keep.device.type != "cpu":
        return None
    setattr(scoring, at, keep.data_ptr())
    scoring.keep = keep
    return scoring
