"""What does not fit, for test_door and test_kernel_calls: small models and tasks, and the error that every backend raises."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from random_lives import outcome

import enu_lib as enu
from enu_lib.network import ORDERED, Network

NETWORK = Network(ORDERED, channels=4, hidden=8)
MAZE = enu.Maze(steps=20)
NOISY = enu.ENU(1, 1, hidden=8, noise=0.1)


def one_error(*calls):
    """The message of the ValueError that all calls must raise identically."""
    kinds, words = zip(*(outcome(call) for call in calls), strict=True)
    assert set(kinds) == {ValueError} and len(set(words)) == 1, (kinds, words)
    return words[0]


class Batch(NamedTuple):
    inputs: torch.Tensor


@dataclass(frozen=True)
class Wrong:
    """A sequence task that applies `change` to its valid batch."""

    change: object
    score_of: object = lambda y: y[..., 0]
    steps: int = 30
    name: str = "wrong"

    def sample(self, environments, generator):
        return self.change(Batch(torch.rand(environments, self.steps, 1, generator=generator)))

    def score(self, batch, outputs):
        return self.score_of(outputs)
