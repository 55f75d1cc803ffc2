"""The page's script in V8, for the tests of the toy."""

import json

import torch
from py_mini_racer import MiniRacer

from enu_lib.live import page
from enu_lib.network import Network
from enu_lib.streams import stream

FIELDS = (
    "square",
    "heading",
    "energy",
    "alive",
    "foods",
    "poisons",
    "reward",
    "shown",
    "action",
    "ate",
    "food",
    "poison",
    "goal",
)


class Script:
    """The page's script in V8, with typed arrays as lists."""

    def __init__(self):
        self.engine = MiniRacer()
        self.engine.eval(page.script("toy"))
        self.engine.eval("const plain = (k, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v)")

    def __call__(self, code, **values):
        """The value that `code`, the body of a function of `values`, returns."""
        arguments = ", ".join(json.dumps(value) for value in values.values())
        return json.loads(self.engine.eval(f"JSON.stringify((({', '.join(values)}) => {{ {code} }})({arguments}), plain)"))

    def life(self, piece, code):
        """The value that `code` returns for a `life` of a toy."""
        axis = {**piece.payload["axis"], **{k: page.unpack(piece.payload["axis"][k]).tolist() for k in ("mean", "direction")}}
        data = {**piece.payload, "genome": page.unpack(piece.payload["genome"]).tolist(), "axis": axis}
        return self(f"const life = enuLive.life(data); {code}", data=data)


def small():
    network = Network(((0, 1, 2, 3, 4),) * 3, channels=3, hidden=2)
    return network, network.init(stream(0, "genome"))


def follow(maze, environment, outputs, places, inputs):
    """Assert that the script's states and inputs are exactly those of the library's maze with the same outputs."""
    drawn = {name: torch.tensor(environment[name])[None, None] for name in ("sensor_of", "action_of", "places")}
    state = maze.begin(1, **drawn)
    for t, y in enumerate([*outputs, None]):
        for name in FIELDS:
            assert getattr(state, name)[0, 0].item() == places[t][name], (name, t)
        assert places[t]["votes"] == state.votes[0, 0].tolist() and places[t]["doses"] == places[t]["poisons"]
        if y is None:
            return
        wanted = maze.observe(state, t)[0, 0]
        assert torch.tensor(inputs[t]).unflatten(0, (4, -1))[:, :3].equal(wanted), t
        state, _ = maze.step(state, torch.tensor([[y]]), t)
