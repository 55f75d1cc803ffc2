"""The step of a network in the page's script equals the library's, from any state and in every step of an episode."""

import random

import pytest
import torch
from toy_script import Script, follow

import enu_lib as enu
from enu_lib import live
from enu_lib.analysis import interventions
from enu_lib.live import page
from enu_lib.network import PUBLISHED, Network, NetworkState, random_connections
from enu_lib.streams import normal, stream, uniform
from enu_lib.tasks.maze import Maze

ROUNDING = 4 * 2.0**-24  # four times the largest relative error of rounding to float32
SUMS = 1e-11  # errors of float64 sums: below 200 terms of up to 1e2, each rounded by 2**-53


@pytest.fixture(scope="module")
def script():
    return Script()


def case(seed):
    """A random network of ENUs with a genome."""
    rng, generator = random.Random(seed), stream(seed, "toy case")
    neurons, channels = rng.randint(3, 7), rng.randint(3, 6)
    table = random_connections(neurons, rng.randint(1, 9), 4, generator)
    kind, shared, noise = rng.choice(["enu", "nfenu"]), rng.random() < 0.3, rng.choice([0.0, 0.01, 0.3])
    network = Network(table, 4, 3, channels, rng.randint(1, 20), kind, shared, noise)
    genome = network.init(generator) + rng.choice([0.1, 0.5, 2.0]) * normal(network.n_params, generator=generator)
    return network, genome


def random_states(network, b, generator):
    """States (1, B ..) that may occur, and some that may not: outputs that differ from those of the neurons."""
    n, c, h = network.neurons, network.channels, network.hidden

    def part(rows):
        memory = 2 * uniform(1, b * rows, h, generator=generator) - 1
        return memory, (3 * uniform(1, b * rows, c, generator=generator) - 1).clamp(0, 1)

    output = (3 * uniform(1, b, n, c, generator=generator) - 1).clamp(0, 1)
    return NetworkState(part(n), part(n * network.synapses), output)


def plain(state, b):
    """B states of a network as the script holds them."""
    names = ("h", "o")
    return [
        {
            "neuron": {k: v.reshape(b, -1)[i].tolist() for k, v in zip(names, state.neuron, strict=True)},
            "synapse": {k: v.reshape(b, -1)[i].tolist() for k, v in zip(names, state.synapse, strict=True)},
            "output": state.output.reshape(b, -1)[i].tolist(),
        }
        for i in range(b)
    ]


def tensors(states, network):
    """The script's states as one of the library, in float64."""
    b, n, c, h = len(states), network.neurons, network.channels, network.hidden

    def part(name, rows):
        return tuple(
            torch.tensor([s[name][key] for s in states], dtype=torch.float64).reshape(1, b * rows, width)
            for key, width in (("h", h), ("o", c))
        )

    output = torch.tensor([s["output"] for s in states], dtype=torch.float64).reshape(1, b, n, c)
    return NetworkState(part("neuron", n), part("synapse", n * network.synapses), output)


def agree(near, network, genome, before, x, noise, after):
    """Assert that `after` is the step from `before`, within the rounding of memories and outputs.

    In exact arithmetic both would be equal.  The script rounds each new memory h to float32, by at most 2**-24 |h|, and each
    output o, by at most 2**-24 |o|; o is linear in the rounded memories before it is clipped, so that their errors reach it
    by at most gain |W_o| 2**-24 |h|.  The bound is four times that.  Neurons are compared from the synapses' outputs that the
    script has rounded.
    """
    weights = network.unpack(genome[None].double())
    b, n, s, c = x.shape[1], network.neurons, network.synapses, network.channels
    exact, _ = network.step(weights, before, x.double(), None if noise is None else noise.double())
    _units_agree(near, network.synapse_cell, weights.synapse, exact.synapse, after.synapse)
    current = after.synapse[1].unflatten(1, (b * n, s)).mean(2)
    if network.shared:
        current = torch.nn.functional.pad(current, (0, c))
    own = None if noise is None else noise[..., : n * c].double().reshape(1, -1, c)
    neuron, _ = network.neuron_cell.step(weights.neuron, before.neuron, current, own)
    _units_agree(near, network.neuron_cell, weights.neuron, neuron, after.neuron)
    assert torch.equal(after.output.flatten(1), after.neuron[1].flatten(1)), "what neurons put out is transmitted"


def _units_agree(near, cell, weights, exact, found):
    near((found[0] - exact[0]).abs(), ROUNDING * exact[0].abs() + SUMS)
    through = exact[0].abs() @ weights.output[:, :-1].abs()
    near((found[1] - exact[1]).abs(), ROUNDING * (cell.gain * through + exact[1]) + SUMS)


STEP = """
    const net = enuLive.network(genome, spec);
    return states.map((s, i) => {
      const state = net.reset();
      for (const part of ["neuron", "synapse"]) for (const key of ["h", "o"]) state[part][key].set(s[part][key]);
      state.output.set(s.output);
      net.step(state, x[i], noise && noise[i]);
      return state;
    });"""


@pytest.mark.parametrize("seed", range(12))
def test_a_step_from_any_state_equals_the_librarys(script, near, seed):
    network, genome = case(seed)
    b, generator = 5, stream(seed, "toy state")
    state, x = random_states(network, b, generator), uniform(1, b, 4, network.channels, generator=generator)
    noise = normal(b, *network.noise_shape, generator=generator) if network.noise else None
    payload = live.toy(network, genome, Maze(steps=8)).payload
    given = {"states": plain(state, b), "x": x[0].flatten(1).tolist(), "noise": None if noise is None else noise.tolist()}
    found = script(STEP, genome=page.unpack(payload["genome"]).tolist(), spec=payload["network"], **given)
    agree(near, network, genome, tensors(plain(state, b), network), x, noise, tensors(found, network))


LIFE = """
    const states = [], x = [], noises = [], keep = (v) => JSON.parse(JSON.stringify(v, plain));
    const { net } = life, step = net.step;
    net.step = (state, seen, noise, sd) => {
      states.push([keep(state)]); x.push(keep(seen)); noises.push(keep(noise && noise.map((v) => sd * v)));
      step(state, seen, noise, sd);
      states.at(-1).push(keep(state));
    };
    const places = [keep(life.mazeState)], outputs = [];
    for (let t = 0; t < %d && !life.over(); t++) {
      %s
      life.step();
      places.push(keep(life.mazeState)); outputs.push(keep(net.outputs(life.agentState)));
    }
    return { states, x, noises, places, outputs };"""


def played(script, network, genome, maze, steps=100, between="", seed=0):
    """An episode in the script: states of the network around every step, inputs, noise, states of the maze, outputs."""
    return script.life(live.toy(network, genome, maze, seed), LIFE % (steps, between))


@pytest.mark.parametrize("name", ["tmaze-enu", "double-tmaze-enu"])
def test_every_step_of_an_episode_equals_the_librarys(script, near, name):
    """A closed loop of network and maze: every step of the network, and the step of the maze with its outputs."""
    entry = enu.zoo.load(name)
    found = played(script, entry.model, entry.genome, entry.task, seed=3)
    before, after = (tensors([pair[k] for pair in found["states"]], entry.model) for k in (0, 1))
    x = torch.tensor(found["x"]).unflatten(1, (4, -1))[None]
    noise = torch.tensor(found["noises"], dtype=torch.float64) / entry.model.noise
    assert len(found["x"]) > 60 and 0.9 < noise.std() < 1.1
    agree(near, entry.model, entry.genome, before, x, noise, after)
    assert torch.equal(torch.tensor(found["outputs"]), after.neuron[1][0, :, 0].reshape(len(x[0]), -1).float())
    environment = live.toy(entry.model, entry.genome, entry.task, 3).payload["first"]
    follow(entry.task, environment, [y[-3:] for y in found["outputs"]], found["places"], found["x"])


@pytest.mark.parametrize("shared", [False, True])
def test_silence_freezing_and_noise_equal_the_librarys_interventions(script, near, shared):
    """Before every step they do to the state what `analysis.interventions` does, and the noise is scaled."""
    network = Network(PUBLISHED, channels=3, hidden=5, noise=0.05, shared=shared)
    genome = network.init(stream(1, "genome")) + 0.3 * normal(network.n_params, generator=stream(2, "genome"))
    between = "if (t === 7) life.silence(4); if (t === 11) life.freeze(true); if (t === 20) life.setNoise(0.5);"
    found = played(script, network, genome, Maze(energy=100.0), 40, between)
    silence, freeze = interventions.silence([4], since=7), interventions.freeze("synapses", since=11)
    for t in range(1, 40):
        before, given = (tensors([found["states"][step][k]], network) for step, k in ((t - 1, 1), (t, 0)))
        wanted = freeze(t, silence(t, before))
        assert all(torch.equal(a, b) for a, b in zip(_leaves(wanted), _leaves(given), strict=True)), t
    starts, ended = (tensors([pair[k] for pair in found["states"]], network) for k in (0, 1))
    x, noise = torch.tensor(found["x"]).unflatten(1, (4, -1))[None], torch.tensor(found["noises"], dtype=torch.float64)
    agree(near, network, genome, starts, x, noise / network.noise, ended)
    assert noise[20:].std() == pytest.approx(0.5, rel=0.1) and noise[:20].std() == pytest.approx(0.05, rel=0.1)


def _leaves(state):
    return [*state.neuron, *state.synapse, state.output]
