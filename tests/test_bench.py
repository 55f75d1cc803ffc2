"""Benchmark: the baseline gives the same fitness as the library, and operation counts are right."""

import json
import sys
from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib.bench import cases as bench
from enu_lib.bench.authors_scheme import Agent, copied_weights_episodes
from enu_lib.cli import main
from enu_lib.contracts import Drawn
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import play
from enu_lib.streams import draw_noise
from enu_lib.study import speed
from enu_lib.tasks.maze import geometry


@pytest.mark.parametrize("layout, own", [("t", False), ("double-t", False), ("t", True)])
def test_the_authors_scheme_gives_the_same_fitness(near, layout, own):
    """Its mazes are an independent implementation of every rule, in plain Python, agent by agent."""
    maze = enu.Maze(layout, steps=200, energy=40.0, foods_per_period=1, change=1.0, corridor=1, arm=1, explore_bonus=0.4)
    maze = replace(maze, own_shuffles=own, teacher_bonus=0.2)
    network = Network(ORDERED, channels=3, hidden=8, noise=0.3)
    genomes = network.init(enu.stream(0, "g")) + 0.3 * torch.randn(24, network.n_params, generator=enu.stream(1, "g"))
    p = len(genomes)
    state, noise = maze.reset(p, 6, enu.stream(2, "maze")), draw_noise(200, 6, enu.stream(3, "noise"), (0, p) if own else None)
    reference = play(network, genomes, maze, Drawn(state, noise, 6), backend="reference")
    copied = copied_weights_episodes(network, genomes, maze, state, noise)
    near(((copied - reference).abs() > 1e-3).float().mean(), 0.2)  # rounding decides near-ties between votes
    assert reference.max() > 40 * 4 * 0.025 + 0.4 * 8  # some agents ate food


@pytest.mark.parametrize("count", [False, True])
def test_the_mazes_of_the_authors_scheme_equal_the_maze_at_every_step(near, count):
    """Agents act at random; some of them eat food after poison, or die."""
    maze = enu.Maze(steps=200, energy=30.0, foods_per_period=1, change=1.0, corridor=1, arm=1, count_poisons=count)
    state = _side_by_side(near, replace(maze, teacher_bonus=0.3))
    assert ((state.foods > 1) & (state.poisons == 1)).any() and 0 < state.alive.sum() < state.alive.numel()


def test_a_leading_teacher_acts_alike_in_both_mazes(near):
    maze = enu.Maze(steps=200, foods_per_period=1, corridor=1, teacher_bonus=0.3, led=True)
    state = _side_by_side(near, maze)
    assert state.alive.all() and state.poisons.max() == 1 and state.foods.min() > 2
    state = _side_by_side(near, replace(maze, meals_visible=False))
    assert (state.poisons.max(), state.foods.min()) == (2, 0)  # it keeps turning left


@pytest.mark.parametrize("visible", [False, True])
@pytest.mark.parametrize("layout", ["t", "double-t"])
def test_a_remembering_teacher_acts_alike_in_both_mazes(near, layout, visible):
    maze = enu.Maze(layout, steps=200, foods_per_period=2, corridor=1, arm=1, teacher_bonus=0.3, deadly_poisons=9)
    maze = replace(maze, teacher="remembering", meals_visible=visible)
    led = _side_by_side(near, replace(maze, led=True))
    assert led.foods.min() >= 3 and visible == bool(led.poisons.max() == 1)
    assert led.goal.unique().numel() == len(geometry(maze).ends)
    free = _side_by_side(near, replace(maze, energy=300.0))
    assert free.foods.max() > 1 and free.poisons.max() > 1


def _side_by_side(near, maze, b=72):
    """The state after episodes with random outputs in both mazes, which are compared at every step."""
    state, y = maze.reset(1, b, enu.stream(0, "maze")), torch.rand(maze.steps, b, 3, generator=enu.stream(1, "y"))
    drawn = zip(*(v[0].numpy() for v in (state.sensor_of, state.action_of, state.places)), strict=True)
    agents, total = [Agent(maze, *each) for each in drawn], torch.zeros(b)
    for t in range(maze.steps):
        seen = torch.tensor([agent.observe().tolist() for agent in agents])
        assert torch.equal(seen, maze.observe(state, t)[0])
        state, gained = maze.step(state, y[t][None], t)
        total += gained[0]
        for agent, out in zip(agents, y[t].numpy(), strict=True):
            agent.step(out, t)
    near((torch.tensor([agent.fitness for agent in agents]) - total).abs(), 1e-4)  # sums of 200 steps
    return state


def test_operation_counts_equal_hand_computed_ones():
    cell = enu.ENU(2, 1, 3)  # rows 2 + 1 + 3 + 1 = 7
    assert bench.unit_operations(cell) == 2 * (7 * 9 + 4)
    network = Network(((0, 1),), n_inputs=1, n_outputs=1, channels=2, hidden=3)
    synapse, neuron = 2 * ((4 + 2 + 3 + 1) * 9 + 4 * 2), 2 * ((2 + 2 + 3 + 1) * 9 + 4 * 2)
    assert bench.network_operations(network, "nominal") == neuron + 2 * synapse
    # projected: two sources and one postsynaptic neuron with two channels each, instead of two synapses with four inputs
    assert bench.network_operations(network, "cpp") == neuron + 2 * synapse - 2 * 9 * (8 - 6)


def test_everything_runs_and_is_printed_and_stored_and_without_jax_one_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jax", None)  # cannot be imported
    file = tmp_path / "b.json"
    assert main(["bench", "--quick", "--without", "torch.compile", "--json", str(file)]) == 0
    printed, results = capsys.readouterr().out, json.loads(file.read_text())
    assert sum("JAX" in line for line in printed.splitlines()) == 1 and ".[peers]" in printed
    for name, rows in results["tables"].items():
        assert name in printed and all(r["seconds"] > 0 for r in rows)
        if not name.startswith("parts"):  # whose episodes may end early
            assert all(r["gflops_executed"] > 0 and r["share_of_peak"] > 0 for r in rows)
    (network,) = [rows for name, rows in results["tables"].items() if "H16 C4" in name]
    assert {"copied weights", "plain torch", "torch"} <= {row["path"] for row in network}
    assert all(row["times"] > 0 and row["cores"] > 0 and row["rounds"] for row in network)
    largest = bench.cases()["episodes, growth with synapses (of 48 neurons)"][-1]
    assert largest.neurons * largest.synapses >= 10_000 and results["machine"]["torch"] == torch.__version__
    measured = speed.load(file)
    assert len(speed.generations(measured)) == sum(len(r) for n, r in results["tables"].items() if n.startswith("generation"))
    parts = speed.parts(measured)
    assert parts.groupby(["experiment", "threads"])["share of the generation (%)"].sum().sub(100).abs().max() < 1e-9
    assert set(speed.growth(measured)["grows with"]) == {"P", "B", "T", "neurons", "synapses"}
    assert results["machine"]["quick"] and "--quick" in speed.machine(measured)
    words = speed.in_words(measured)
    slowest = max(row["times"] for name, rows in results["tables"].items() for row in rows if row["path"] == "plain torch")
    assert f"to {slowest:.1f} times" in words and "**JAX** was not measured" in words
    assert [row["implementation"] for row in speed.ratios(measured)][-1] == "copied weights"
    assert {row["time of JAX relative to this library"] for row in speed.processors([measured])} == {""}
    for row in network:
        row["path"] = {"plain torch": "JAX"}.get(row["path"], row["path"])
    times = sorted(row["times"] for row in network if row["path"] == "JAX")
    (found,) = (row for row in speed.processors([results]) if row["workload"] == network[0]["experiment"])
    assert found["processor"] == results["machine"]["processor"]
    assert set(found["time of JAX relative to this library"].split(" to ")) == {f"{t:.1f}" for t in (times[0], times[-1])}


def test_only_selects_tables_by_name_and_without_leaves_paths_out(capsys):
    large = next(name for name in bench.cases() if "paper" in name)
    assert set(bench.measure(quick=True, only="paper")["tables"]) == {"peak", large}
    for arguments in (["--only", "maps"], ["--without", "jux"]):
        assert main(["bench", *arguments]) == 2
        error = capsys.readouterr().err
        assert arguments[1] in error and ("peak" in error or "JAX" in error)


def test_growth_is_an_exponent_of_the_sizes():
    """On an invented measurement with known times."""
    series = [{"size": n, "seconds": 3.0 * n} for n in (1, 2, 8)]
    made = {"machine": {}, "tables": {"episodes, growth with P": series}, "slopes": {"episodes, growth with P": 1.0}}
    table = speed.growth(made)
    assert list(table["relative time"]) == list(table["relative size"]) == [1, 2, 8] and set(table["exponent"]) == {1.0}


@pytest.mark.parametrize("text, word", [("[]", "object"), ('{"machine": {}}', "tables"), ("{", "JSON")])
def test_a_file_that_holds_no_measurement_is_named(text, word, tmp_path):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=word) as error:
        speed.load(tmp_path / "x.json")
    assert "x.json" in str(error.value)
