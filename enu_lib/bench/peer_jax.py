"""The same generation in JAX: what a user who knows JAX well would write instead of using this library.

    peer = Generation(experiment, threads=1)
    peer.generation()                                # mutations, episodes and the parent's step: one jitted function

The episodes of one offspring are a `lax.scan` over steps, in which all its environments advance together.  `lax.map` goes
through the offspring in blocks that fit in a core's cache, and `shard_map` gives each thread a share of them.  As in
`kernels.fused`, each source is projected through the synapse's input weights once, not once per synapse, and constants are
folded into the weights.  Units come before environments in every array, so that gathering a source copies whole rows.

It supports what the benchmark needs: ENUs in the paper's STDP tasks, networks of them in mazes, and the published evolution
strategy.  Environments and noise are drawn by this library.  Episodes do not end early, since `lax.scan` has no early exit.

JAX is optional (extra `peers`).  Its number of threads is fixed when it starts, so another number needs another process.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from enu_lib.bench import peer_jax_maze as mazes
from enu_lib.cells import ENU
from enu_lib.contracts import Drawn
from enu_lib.es import ES
from enu_lib.experiments import Experiment
from enu_lib.network import Network
from enu_lib.rollout import draw
from enu_lib.streams import stream
from enu_lib.tasks.maze import Maze
from enu_lib.tasks.stdp import STDP

with suppress(ModuleNotFoundError):  # optional; the documentation imports this module even without JAX
    import jax
    import jax.numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

BLOCK = 8  # offspring computed together; 1 to 16 are about equally fast, 64 is slower


class Rules(NamedTuple):
    """A cell's weights with its constants folded in."""

    x: jax.Array  # (n_in, 3 H) reset | update | cell
    gates: jax.Array  # (C + H, 2 H) for the last output and the memory
    cell: jax.Array  # (C + H, H)
    bias: jax.Array  # (3 H,)
    out: jax.Array  # (H, C)
    out_bias: jax.Array  # (C,)


def rules(cell: ENU, genome: jax.Array) -> Rules:
    """The weights of one genome (D,)."""
    k, h, c = cell.rows, cell.hidden, cell.n_out
    gates, new, out = jnp.split(genome, [2 * k * h, 3 * k * h])
    rows = cell.gate_gain * jnp.concatenate([gates.reshape(k, 2 * h), new.reshape(k, h)], 1)
    rows = rows * jnp.concatenate([jnp.full(2 * h, 0.5), jnp.ones(h)])  # sigmoid(a) = (1 + tanh(a / 2)) / 2
    bias = rows[-1].at[:h].add(0.5 * cell.gate_gain * cell.reset_bias)
    own, out = rows[cell.n_in : -1], out.reshape(h + 1, c)
    return Rules(rows[: cell.n_in], own[:, : 2 * h], own[:, 2 * h :], bias, cell.gain * out[:-1], cell.gain * out[-1])


def step(cell: ENU, w: Rules, h: jax.Array, o: jax.Array, drive: jax.Array, noise: jax.Array | None) -> Any:
    """Memory (R, H) and outputs (R, C) of R units after one step, for their projected inputs (R, 3 H)."""
    n = cell.hidden
    fed = [o] if cell.feedback else []
    s = 0.5 + 0.5 * jnp.tanh(drive[:, : 2 * n] + jnp.concatenate([*fed, h], 1) @ w.gates)
    r, z = s[:, :n], s[:, n:]
    new = jnp.tanh(drive[:, 2 * n :] + jnp.concatenate([*fed, r * h], 1) @ w.cell)
    h = h + z * (new - h)
    y = h @ w.out + w.out_bias
    if noise is not None:
        y = y + cell.gain * cell.noise * noise
    return h, jnp.clip(y, 0, 1)


def unit_life(cell: ENU, genome: jax.Array, inputs: jax.Array, target: jax.Array) -> jax.Array:
    """Fitness (B,) of one genome (D,) in an STDP task, for inputs (T, B, n_in) and targets (T, B)."""
    w, b = rules(cell, genome), inputs.shape[1]

    def advance(carry: Any, now: Any) -> Any:
        h, o = step(cell, w, carry[0], carry[1], now, None)
        return (h, o), o[:, 0]

    first = jnp.zeros((b, cell.hidden)), jnp.zeros((b, cell.n_out))
    _, outputs = jax.lax.scan(advance, first, inputs @ w.x + w.bias)
    return -((target - outputs) ** 2).mean(0)


def network_life(network: Network, maze: Maze, genome: jax.Array, world: mazes.Drawn, noise: jax.Array) -> jax.Array:
    """Fitness (B,) of one genome (D,) in a maze, with noise (T, N + N S, B, C)."""
    n, s, c, h, b = network.neurons, network.synapses, network.channels, network.hidden, noise.shape[2]
    neuron_cell, synapse_cell = network.neuron_cell, network.synapse_cell
    assert isinstance(neuron_cell, ENU) and isinstance(synapse_cell, ENU), "checked by Generation"
    neuron = rules(neuron_cell, genome[: neuron_cell.n_params])
    synapse = rules(synapse_cell, genome[neuron_cell.n_params :])
    table = np.asarray(network.connections).ravel()

    def advance(carry: Any, now: Any) -> Any:
        hn, on, hs, os, state, fitness = carry
        t, z = now
        sources = jnp.concatenate([mazes.observe(maze, state, world, c), on.reshape(n, b, c)]).reshape(-1, c)
        pre = (sources @ synapse.x[:c]).reshape(-1, b, 3 * h)
        post = (on @ synapse.x[c:] + synapse.bias).reshape(n, 1, b, 3 * h)
        drive = pre[table].reshape(n, s, b, 3 * h) + post
        hs, os = step(synapse_cell, synapse, hs, os, drive.reshape(-1, 3 * h), z[n:].reshape(-1, c))
        current = os.reshape(n, s, b, c).mean(1).reshape(-1, c)
        hn, on = step(neuron_cell, neuron, hn, on, current @ neuron.x + neuron.bias, z[:n].reshape(-1, c))
        state, gained = mazes.step(maze, state, world, on.reshape(n, b, c)[n - network.n_outputs :, :, 0], t)
        return (hn, on, hs, os, state, fitness + gained), None

    units = [jnp.zeros((rows * b, width)) for rows in (n, n * s) for width in (h, c)]
    first = *units, mazes.begin(maze, b), jnp.zeros(b)
    return jax.lax.scan(advance, first, (jnp.arange(maze.steps), noise))[0][-1]


class Generation:
    """An evolution whose generations are computed in JAX, with one CPU device per thread."""

    def __init__(self, experiment: Experiment, threads: int, seed: int = 0) -> None:
        """Raises ValueError if JAX already runs with fewer threads, or if this file does not support the experiment."""
        model, settings = experiment.model, experiment.es
        published = ES(settings.population, settings.sigma)
        unit = type(model) is ENU and not model.noise
        network = type(model) is Network and model.cell == "enu" and not model.shared and model.noise > 0
        if not unit and not network or type(experiment.task) not in (Maze, STDP) or settings != published:
            raise ValueError(f"the benchmark in JAX does not support {experiment.name}: see enu_lib.bench.peer_jax")
        jax.config.update("jax_platforms", "cpu")
        with suppress(RuntimeError):  # JAX has started already; its threads are checked below
            jax.config.update("jax_num_cpu_devices", threads)
        devices = jax.devices("cpu")
        if len(devices) < threads:
            raise ValueError(f"JAX has {len(devices)} threads here, not {threads}: start a new process")
        self.experiment, self.seed, self.count = experiment, seed, 0
        self._mesh = Mesh(np.asarray(devices[:threads]), ("offspring",))
        everywhere = NamedSharding(self._mesh, PartitionSpec())  # as a generation returns it; else the next compiles again
        self.parent = jax.device_put(model.init(stream(seed, "genome")).numpy(), everywhere)
        self.velocity = jax.device_put(np.zeros(model.n_params, np.float32), everywhere)
        self._fitness = jax.jit(self._episodes)
        self._given = jax.jit(self._advance)
        self._drawing = jax.jit(lambda key, *rest: self._advance(self._mutations(key), *rest))

    def generation(self) -> None:
        """Compute the next generation, with random mutations and environments."""
        e = self.experiment
        none = torch.zeros(1, e.model.n_params)
        drawn = draw(e.model, none, e.task, e.environments, stream(self.seed, "environment", self.count))[1]
        key = jax.random.fold_in(jax.random.key(self.seed), self.count)
        self._keep(self._drawing(key, self.parent, self.velocity, *_arrays(e, drawn)))

    def advance(self, mutations: Tensor, drawn: Drawn) -> None:
        """Compute the next generation with these mutations (P / 2, D), in these environments."""
        self._keep(self._given(mutations.numpy(), self.parent, self.velocity, *_arrays(self.experiment, drawn)))

    def fitness(self, genomes: Tensor, drawn: Drawn) -> np.ndarray:
        """Fitness (P, B) of genomes (P, D), in these environments."""
        return np.asarray(self._fitness(genomes.numpy(), *_arrays(self.experiment, drawn)))

    def _keep(self, state: tuple[jax.Array, jax.Array]) -> None:
        self.parent, self.velocity = jax.block_until_ready(state)
        self.count += 1

    def _mutations(self, key: jax.Array) -> jax.Array:
        settings = self.experiment.es
        drawn = jax.random.normal(key, (settings.population // 2, self.experiment.model.n_params))
        return (settings.sigma * drawn).at[0].set(0)

    def _episodes(self, genomes: jax.Array, *given: Any) -> jax.Array:
        e = self.experiment
        if isinstance(e.task, Maze):
            world, table, offsets = given
            given = world, _noise(e.model, table, offsets)
            fitness = lambda genome, *rest: network_life(e.model, e.task, genome, *rest)
        else:
            fitness = lambda genome, *rest: unit_life(e.model, genome, *rest)
        share = lambda mine, *rest: jax.lax.map(lambda genome: fitness(genome, *rest), mine, batch_size=BLOCK)
        split, whole = PartitionSpec("offspring"), PartitionSpec()
        specs = (split, *(whole for _ in given))
        return jax.shard_map(share, mesh=self._mesh, in_specs=specs, out_specs=split, check_vma=False)(genomes, *given)

    def _advance(
        self, mutations: jax.Array, parent: jax.Array, velocity: jax.Array, *given: Any
    ) -> tuple[jax.Array, jax.Array]:
        settings = self.experiment.es
        fitness = self._episodes(jnp.concatenate([parent + mutations, parent - mutations]), *given).mean(1)
        rank = jnp.argsort(jnp.argsort(fitness, stable=True))
        weight = (rank / (settings.population - 1)) ** settings.power
        plus, minus = jnp.split(weight / weight.sum(), 2)
        velocity = settings.momentum * velocity + settings.learning_rate * ((plus - minus) @ mutations)
        return parent + velocity, velocity


def _arrays(experiment: Experiment, drawn: Drawn) -> tuple[Any, ...]:
    """What was drawn, in the form that the episodes take."""
    if isinstance(experiment.task, Maze):
        assert drawn.noise is not None, "a network with noise: checked by Generation"
        return mazes.drawn(drawn.start), drawn.noise.table.numpy(), drawn.noise.offsets.numpy().astype(np.int32)
    batch = drawn.start
    return batch.inputs.transpose(0, 1).contiguous().numpy(), batch.target.T.contiguous().numpy()


def _noise(network: Network, table: jax.Array, offsets: jax.Array) -> jax.Array:
    """The noise of all steps, (T, N + N S, B, C)."""
    values = network.noise_shape[0]
    longer = jnp.concatenate([table, table[:values]])
    read = lambda offset: jax.lax.dynamic_slice(longer, (offset,), (values,))
    noise = jax.vmap(jax.vmap(read))(offsets)  # (T, B, values)
    return noise.reshape(*offsets.shape, -1, network.channels).transpose(0, 2, 1, 3)
