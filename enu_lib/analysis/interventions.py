"""Interventions during an episode: reset, freeze or shuffle memories, silence neurons (ours, beyond the paper).

    rollout(network, genome, maze, 256, intervene=freeze("synapses", since=100))

Each returns a function (t, state) -> state for `rollout`, called before step t.  Compartments: "synapses" or "neurons".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from enu_lib.contracts import AtSteps, Intervention
from enu_lib.network import NetworkState
from enu_lib.streams import stream, uniform

COMPARTMENTS = ("synapses", "neurons")


def reset(compartment: str, at: int) -> Intervention:
    """Set the memory of all units of a compartment to zero once, before step `at`."""
    field = _field(compartment)

    def intervene(t: int, state: NetworkState) -> NetworkState:
        return _with_memory(state, field, torch.zeros_like(_memory(state, field)))

    return AtSteps(frozenset({at}), intervene)


def freeze(compartment: str, since: int) -> Intervention:
    """From step `since` on, reset the memory of each unit of a compartment before every step to its value at `since`.

    The units still respond to their input, but their memory no longer changes.
    """
    field = _field(compartment)
    kept: list[Tensor] = []

    def intervene(t: int, state: NetworkState) -> NetworkState:
        if t < since:
            return state
        if t == since:
            kept[:] = [_memory(state, field).clone()]
        return _with_memory(state, field, kept[0])

    return intervene


def scramble(compartment: str, at: int, units: int, seed: int = 1) -> Intervention:
    """Permute the memories of a compartment among its `units` units once, before step `at`, differently in each episode.

    This keeps the set of memories but destroys their assignment to units.
    """
    field = _field(compartment)

    def intervene(t: int, state: NetworkState) -> NetworkState:
        h = _memory(state, field).unflatten(1, (-1, units))
        order = uniform(*h.shape[:3], generator=stream(seed, "scramble")).argsort(-1).to(h.device)
        permuted = h.gather(2, order[..., None].expand_as(h))
        return _with_memory(state, field, permuted.flatten(1, 2))

    return AtSteps(frozenset({at}), intervene)


def silence(neurons: list[int], since: int = 0) -> Intervention:
    """From step `since` on, the outputs of these neurons (numbered without the input neurons) are not transmitted."""

    def intervene(t: int, state: NetworkState) -> NetworkState:
        if t < since:
            return state
        output = state.output.clone()
        output[:, :, neurons] = 0
        return state._replace(output=output)

    return intervene


def _field(compartment: str) -> str:
    if compartment not in COMPARTMENTS:
        raise ValueError(f"unknown compartment {compartment!r}: choose one of {', '.join(COMPARTMENTS)}")
    return {"synapses": "synapse", "neurons": "neuron"}[compartment]


def _memory(state: NetworkState, field: str) -> Tensor:
    return getattr(state, field)[0]


def _with_memory(state: NetworkState, field: str, memory: Tensor) -> NetworkState:
    units: tuple[Any, ...] = getattr(state, field)
    changed: dict[str, Any] = {field: (memory, *units[1:])}
    return state._replace(**changed)
