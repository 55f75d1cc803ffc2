"""The numbers behind figures: tidy tables, CSV text, files beside the pictures, and a figure drawn again from its CSV."""

import csv
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

import enu_lib as enu
from enu_lib.analysis.phases import Phase
from enu_lib.analysis.units import FrequencyCurve, Window
from enu_lib.figures import COLUMN, MODELS, PAGE, PALETTE, data, panel_letters, read_manifest, save_figure, units, use_style
from enu_lib.figures.abilities import MARKS
from enu_lib.rollout import record_episodes
from enu_lib.tasks.maze import Maze, geometry

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book"))
import gather  # noqa: E402

FIGURES = [entry for entry in read_manifest(ROOT / "figures") if "alt" in entry]


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_arrays_become_a_row_for_each_element():
    table = data.long({"time (steps)": [10, 20], "unit": None}, {"output": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])})
    assert table.columns.tolist() == ["time (steps)", "unit", "output"]
    expected = [[10, 1, 1], [10, 2, 2], [10, 3, 3], [20, 1, 4], [20, 2, 5], [20, 3, 6]]
    assert table.to_numpy().tolist() == expected


@pytest.mark.parametrize("labels, values", [([1, 2], np.zeros(3)), ([1, 2, 3], np.zeros(2))])
def test_labels_that_do_not_fit_are_an_error_that_names_both(labels, values):
    with pytest.raises(ValueError, match=rf"output.*\({len(values)},\).*{len(labels)} \(time\)"):
        data.long({"time": labels}, {"output": values})


def test_a_column_cannot_be_both_a_label_and_a_value():
    with pytest.raises(ValueError, match="output names both"):
        data.long({"output": ["left"]}, {"output": [0.5]})


def test_panels_stand_below_each_other_with_gaps_for_what_they_lack():
    table = data.panels({"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2], "y": [0.5]})})
    assert data.as_csv(table) == "panel,x,y\na,1,\nb,2,0.5\n"
    assert data.as_csv(data.series("unit", {"p": [7], "q": [8]}, {"k": None}, "v")) == "unit,k,v\np,1,7\nq,1,8\n"


def test_csv_has_six_digits_no_sign_of_zero_and_nothing_for_nan():
    values = [1 / 3, 123456789.0, -0.0, float("nan"), np.float32(0.1), 1e-9]
    text = data.as_csv(pd.DataFrame({"value": values, "a, b": ["x"] * 6}))
    assert text.splitlines()[0] == 'value,"a, b"'
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["0.333333", "1.23457e+08", "0", "", "0.1", "1e-09"]


def test_curves_and_windows_keep_every_point():
    t = torch.tensor
    curve = FrequencyCurve(t([0.1, 0.2]), t([0.5, 0.4]), t([0.5, 0.5]), t([0.0, 0.1]), t([0.2, 0.3]), 8)
    table = data.frequency(curve)
    assert table["deviation of the mean (%)"].tolist() == pytest.approx([0, 25])
    assert table["sequences"].tolist() == [8, 8] and table["evolved unit, s.d. (spikes/step)"].tolist() == pytest.approx(
        [0.2, 0.3]
    )
    table = data.window(Window(t([-1, 1]), t([-45.0, 45.0]), t([-44.0, 46.0]), t([1.0, 2.0]), 4))
    assert table["t_post - t_pre (steps)"].tolist() == [-1, 1] and table["change, rule (%)"].tolist() == [-45, 45]


def test_spikes_are_listed_with_their_times():
    table = data.spikes(
        {"model": torch.tensor([[0, 1, 0], [0, 0, 0]]).bool(), "unit": torch.tensor([[0, 0, 1], [1, 0, 0]]).bool()}
    )
    assert table.to_numpy().tolist() == [["model", 1, 1], ["unit", 1, 2], ["unit", 2, 0]]


def test_sequences_of_both_tasks_list_every_input_and_target():
    iaf, stdp = enu.IAF(), enu.STDP()
    batch = iaf.sample(2, enu.stream(0, "test"))
    table = data.iaf_sequence(iaf, batch, 1)
    assert np.allclose(table["input current (1/step)"] * iaf.input_scale, batch.inputs[1, :, 0])
    assert table["target spike"].tolist() == batch.spikes[1].int().tolist()
    batch = stdp.sample(3, enu.stream(0, "test"))
    table = data.stdp_sequence(batch, 2)
    assert table["presynaptic spike"].idxmax() == batch.t_pre[2] and table["postsynaptic spike"].idxmax() == batch.t_post[2]
    assert set(table["neuromodulator"]) == {float(batch.modulator[2])}
    assert np.allclose(table["target output"], batch.target[2])
    fig, axes = plt.subplots(5, 1)
    units.stdp_sequence(axes, table)
    assert np.allclose(axes[3].lines[0].get_ydata(), float(batch.modulator[2])), "the neuromodulator is drawn"
    assert "neuromodulator" not in data.stdp_sequence(enu.STDP("plain").sample(1, enu.stream(0, "test")))
    plt.close(fig)


def test_one_generation_lists_parent_offspring_and_optimum():
    table = data.one_generation(
        torch.zeros(2), torch.ones(3, 2), torch.tensor([0.2, 0.3, 0.5]), (0.1, 0.2), torch.tensor([1.0, 0.5])
    )
    assert table["series"].tolist() == ["parent", *["offspring"] * 3, "parent after its step", "optimum"]
    assert table["weight"].tolist()[1:4] == pytest.approx([0.2, 0.3, 0.5]) and table["weight"].isna().sum() == 3
    assert table[["gene 1", "gene 2"]].iloc[4].tolist() == [0.1, 0.2]


def test_a_visit_lists_every_step_with_the_squares_of_the_maze():
    entry = enu.zoo.load("tmaze-enu")
    lives = record_episodes(entry.model, entry.genome, entry.task, 2, seed=1)
    grid = geometry(Maze())
    table = data.visit(grid, lives, Phase("first visit", 1, 3, 7))
    assert table["time (steps)"].tolist() == [3, 4, 5, 6, 7] and set(table["episode"]) == {1}
    square = lives.task["square"][0, 1, 5]
    assert table[["agent, row", "agent, column"]].iloc[2].tolist() == list(grid.squares[square])
    table = data.episode(lives.x[0, 1], lives.y[0, 1], lives.task["ate"][0, 1])
    assert len(table) == lives.y.shape[2]
    assert np.allclose(table["output 2"], lives.y[0, 1, :, 1]) and np.allclose(table["reward, food"], lives.x[0, 1, :, 3, 1])


def draw(folder, **given):
    use_style()
    fig, ax = plt.subplots()
    ax.plot([1, 2])
    return save_figure(fig, "waves", folder, caption="Two waves.", **given)


def test_a_figure_has_its_numbers_beside_it_and_in_the_manifest(tmp_path):
    table = pd.DataFrame({"x": [1, 2], "y (steps)": [0.25, 1 / 3]})
    paths = draw(tmp_path, data=table)
    assert [path.name for path in paths] == ["waves.svg", "waves.png", "waves.csv", "waves.narrow.svg"]
    assert paths[2].read_text() == "x,y (steps)\n1,0.25\n2,0.333333\n"
    assert list(read_manifest(tmp_path)[0]["files"]) == [path.name for path in paths]
    assert [path.name for path in draw(tmp_path, data={"a": table, "b": table})][2:4] == ["waves_a.csv", "waves_b.csv"]
    assert [path.suffix for path in draw(tmp_path, data=None)] == [".svg", ".png", ".svg"]


def test_a_figure_without_a_word_on_its_data_is_not_saved(tmp_path):
    with pytest.raises(TypeError, match="data"):
        draw(tmp_path)


@pytest.mark.parametrize("entry", FIGURES, ids=lambda e: e["figure"])
def test_every_committed_figure_has_data_unless_it_is_a_schematic(entry):
    tables = [ROOT / "figures" / name for name in entry["files"] if name.endswith(".csv")]
    assert tables or "schematic" in entry["caption"]
    for path in tables:
        header, *body = rows(path)
        assert body and len(set(header)) == len(header) and {len(row) for row in body} == {len(header)}, path.name
        assert all(header), path.name


@pytest.mark.parametrize("entry", FIGURES, ids=lambda e: e["figure"])
@pytest.mark.parametrize("form, inches", [("", PAGE), (".narrow", COLUMN)])
def test_text_has_at_least_seven_points_on_a_page_of_two_columns_and_on_a_phone(entry, form, inches):
    svg = (ROOT / f"figures/{entry['figure']}{form}.svg").read_text(encoding="utf-8")
    sizes = {100 * float(scale) for scale in re.findall(r"scale\((0\.\d+) -0\.\d+\)", svg)}
    width = float(re.search(r'<svg [^>]*?width="([\d.]+)pt"', svg)[1])
    assert sizes and min(sizes) > 6.99 and width <= inches * 72 + 1, (sorted(sizes), width)


def test_a_figure_is_drawn_again_from_its_csv(tmp_path):
    """Extended data Fig. 2, compared with the shipped picture; a different number would show."""

    def drawn(folder, table):
        names = ("mean input current", "model neuron, mean", "evolved unit, mean", "model neuron, s.d.", "evolved unit, s.d.")
        columns = {key: np.array([float(row[at]) for row in table[1:]]) for at, key in enumerate(table[0])}
        values = [next(column for key, column in columns.items() if key.startswith(name)) for name in names]
        curve = FrequencyCurve(*(torch.tensor(v) for v in values), n=int(columns["sequences"][0]))
        use_style()
        fig, axes = plt.subplots(2, 1, figsize=(COLUMN, 3.6), sharex=True, height_ratios=[2, 1])
        units.frequency(axes[0], curve)
        units.frequency_deviation(axes[1], curve)
        axes[0].set(xlabel="")
        panel_letters(axes)
        return save_figure(fig, "ed2_frequency", folder, caption="Again.", data=data.frequency(curve))

    table = rows(ROOT / "figures/ed2_frequency.csv")
    for path in drawn(tmp_path / "same", table):
        assert gather.alike(ROOT / "figures" / path.name, path), path.name
    at = table[0].index("evolved unit, mean (spikes/step)")
    table[20][at] = str(1.1 * float(table[20][at]))
    for path in drawn(tmp_path / "other", table):
        assert not gather.alike(ROOT / "figures" / path.name, path), path.name


def test_food_and_poison_keep_their_colours_from_models_and_lines():
    use_style()
    lines = {
        f"#{color}".lower() if color[0] != "#" else color.lower() for color in plt.rcParams["axes.prop_cycle"].by_key()["color"]
    }
    agents = {color for _, color in MARKS.values()}
    assert not {PALETTE["food"], PALETTE["poison"]} & (set(MODELS.values()) | lines | agents)
    assert len(agents | {PALETTE["evolved"]}) == len(MARKS) + 1
    assert len(set(MODELS.values())) == len(MODELS)
