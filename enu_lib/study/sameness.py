"""What stays the same when a computation is repeated elsewhere or in another way, how exactly, and the test that checks it."""

from __future__ import annotations

from typing import Literal, NamedTuple

How = Literal["bit for bit", "to rounding", "in distribution"]


class Line(NamedTuple):
    """One property, and the test that checks it."""

    how: How
    what: str
    test: str  # file::function below tests/


LINES = (
    Line("bit for bit", "a run with any number of threads", "test_kernels.py::test_the_number_of_threads_changes_no_bit"),
    Line(
        "bit for bit",
        "a run shared by any number of processes",
        "test_processes.py::test_any_number_of_processes_gives_the_same_bits",
    ),
    Line(
        "bit for bit",
        "a run begun by several processes and resumed by fewer",
        "test_processes.py::test_a_run_goes_on_with_another_number_of_processes",
    ),
    Line(
        "bit for bit",
        "a run killed at any moment and resumed",
        "test_evolve.py::test_killed_and_resumed_runs_give_identical_bits",
    ),
    Line("bit for bit", "a run in time-limited slices", "test_evolve.py::test_time_limited_slices_give_identical_bits"),
    Line(
        "bit for bit",
        "a run interrupted within a stage of its curriculum",
        "test_evolve.py::test_a_run_interrupted_within_a_stage_gives_identical_bits",
    ),
    Line(
        "bit for bit",
        "a run that goes back to its previous checkpoint because the newest one is damaged",
        "test_checkpoint.py::test_a_damaged_checkpoint_is_replaced_by_the_previous_one",
    ),
    Line(
        "bit for bit",
        "a sweep by several processes, killed and resumed",
        "test_sweep.py::test_a_killed_and_resumed_sweep_gives_the_same_results_without_repeats",
    ),
    Line(
        "bit for bit",
        "a sweep on a Dask cluster that loses a worker",
        "test_cluster.py::test_a_cluster_gives_the_results_of_a_serial_sweep_though_a_worker_is_lost",
    ),
    Line(
        "bit for bit",
        "results under other settings of torch, such as its default precision",
        "test_precision.py::test_torch_settings_do_not_change_any_bit",
    ),
    Line("bit for bit", "a figure drawn again", "test_figures.py::test_the_same_figure_has_the_same_bytes"),
    Line(
        "to rounding",
        "outputs on processors with other vector units",
        "test_kernels.py::test_all_vector_lengths_give_the_same_outputs",
    ),
    Line(
        "to rounding",
        "outputs from the compiled kernel, from torch and from the reference",
        "test_random_lives.py::test_random_models_give_the_same_outputs_on_every_backend",
    ),
    Line(
        "to rounding",
        "outputs from the GPU kernel (run on a CPU by the test), until the episodes differ",
        "test_kernels.py::test_networks_in_mazes_equal_the_reference",
    ),
    Line(
        "to rounding",
        "outputs computed by the script in the book's pages",
        "test_live.py::test_the_javascript_synapse_equals_the_library_for_any_spike_pair",
    ),
    Line("to rounding", "a figure drawn on another machine", "test_figures.py::test_committed_figures_are_reproduced"),
    Line(
        "in distribution",
        "episodes after a move on which two outputs nearly tied: rounding decides, and may do so differently on CPU and GPU",
        "test_random_lives.py::test_random_maze_episodes_are_the_same_up_to_the_first_move",
    ),
    Line(
        "in distribution",
        "fitness of units whose outputs are nearly step functions",
        "test_kernels.py::test_evolved_units_have_nearly_the_reference_fitness",
    ),
    Line(
        "in distribution",
        "scores of an evolved genome in other environments",
        "test_zoo.py::test_stored_scores_hold_in_new_episodes",
    ),
)


def table() -> list[dict[str, str]]:
    """The properties as rows of a table."""
    return [{"what": line.what, "is the same": line.how, "checked by": f"`{line.test}`"} for line in LINES]
