"""Benchmark: the baseline gives the same fitness as the library, and operation counts are right."""

import json
from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib.bench import cases as bench
from enu_lib.bench.authors_scheme import copied_weights_lives
from enu_lib.cli import main
from enu_lib.contracts import Drawn
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import play
from enu_lib.streams import draw_noise


@pytest.mark.parametrize("layout, own", [("t", False), ("double-t", False), ("t", True)])
def test_the_authors_scheme_gives_the_same_fitness(near, layout, own):
    """Its mazes are an independent implementation of every rule, in plain Python, agent by agent."""
    maze = enu.Maze(layout, steps=200, energy=40.0, foods_per_period=1, change=1.0, corridor=1, arm=1, explore_bonus=0.4)
    maze = replace(maze, own_shuffles=own)
    network = Network(ORDERED, channels=3, hidden=8, noise=0.3)
    genomes = network.init(enu.stream(0, "g")) + 0.3 * torch.randn(24, network.n_params, generator=enu.stream(1, "g"))
    p = len(genomes)
    state, noise = maze.reset(p, 6, enu.stream(2, "maze")), draw_noise(200, 6, enu.stream(3, "noise"), (0, p) if own else None)
    reference = play(network, genomes, maze, Drawn(state, noise, 6), backend="reference")
    copied = copied_weights_lives(network, genomes, maze, state, noise)
    near(((copied - reference).abs() > 1e-3).float().mean(), 0.2)  # rounding decides near-ties between votes
    assert reference.max() > 40 * 4 * 0.025 + 0.4 * 8  # some agents ate food


def test_operation_counts_equal_hand_computed_ones():
    cell = enu.ENU(2, 1, 3)  # rows 2 + 1 + 3 + 1 = 7
    assert bench.unit_operations(cell) == 2 * (7 * 9 + 4)
    network = Network(((0, 1),), n_inputs=1, n_outputs=1, channels=2, hidden=3)
    synapse, neuron = 2 * ((4 + 2 + 3 + 1) * 9 + 4 * 2), 2 * ((2 + 2 + 3 + 1) * 9 + 4 * 2)
    assert bench.network_operations(network, "nominal") == neuron + 2 * synapse
    # projected: two sources and one postsynaptic neuron with two channels each, instead of two synapses with four inputs
    assert bench.network_operations(network, "cpp") == neuron + 2 * synapse - 2 * 9 * (8 - 6)


def test_every_case_runs_and_is_printed(tmp_path, capsys):
    assert main(["bench", "--quick", "--json", str(tmp_path / "b.json")]) == 0
    printed, results = capsys.readouterr().out, json.loads((tmp_path / "b.json").read_text())
    for name, rows in results["tables"].items():
        assert name in printed and all(r["seconds"] > 0 and r["gflops_executed"] > 0 for r in rows)
    paths = {r["path"] for r in results["tables"]["network, P128 B8 T400 H16 C4"]}
    assert {"copied weights", "plain torch", "torch"} <= paths
    largest = bench.cases()["growth with synapses (of 48 neurons)"][-1]
    assert largest.neurons * largest.synapses >= 10_000 and results["machine"]["torch"] == torch.__version__


def test_only_selects_tables_by_name(capsys):
    assert set(bench.measure(quick=True, only="paper")["tables"]) == {"peak", next(n for n in bench.cases() if "paper" in n)}
    assert main(["bench", "--only", "maps"]) == 2
    error = capsys.readouterr().err
    assert "maps" in error and "peak" in error
