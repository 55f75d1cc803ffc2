"""Names that the command line accepts.  Nothing here imports torch, so that help and errors about names appear at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

CellName = Literal["enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip"]
UnitName = Literal["gru-gain", "enu-plain"]  # available only as single units
Backend = Literal["auto", "cpp", "cuda", "torch", "reference"]  # `enu_lib.kernels` says what they are
ONE_GRU = "one-gru"  # available only in mazes: a single unit in the network's place

PROFILES = ("smoke", "laptop", "paper")
MODELS = (*get_args(CellName), *get_args(UnitName), "shared", ONE_GRU)
EXPERIMENTS = (  # `enu_lib.experiments` has their settings
    "iaf", "stdp", "plain-stdp", "complex-stdp", "tmaze", "tmaze-none", "tmaze-actions", "double-tmaze",
    "double-tmaze-none", "double-tmaze-actions", "tmaze-volatile", "tmaze-harmless", "tmaze-hidden",
)  # fmt: skip
SWEPT = ("complex-stdp", "stdp", "iaf", "tmaze", "double-tmaze")  # experiments of the sweep, in the order in which they run
AGENTS = (  # scripted agents of `enu_lib.analysis.agents`
    "omniscient", "looking", "looking-once", "once-bitten", "memory-only", "latch", "alternating", "fixed-arm", "random",
)  # fmt: skip


def one_of(what: str, name: str, choices: Iterable[str]) -> str:
    """`name`, if it is one of the choices; else raises ValueError naming it and the choices."""
    choices = tuple(choices)
    if name not in choices:
        raise ValueError(f"unknown {what} {name!r}: choose one of {', '.join(choices)}")
    return name
