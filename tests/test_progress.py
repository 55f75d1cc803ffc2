"""Progress without a terminal: few lines with progress and remaining time."""

import io
import sys

import pytest

from enu_lib.base.progress import Lines, bar, duration


def test_one_line_per_minute_with_generation_fitness_and_time_left(capsys):
    now = [0.0]
    with Lines(1000, 100, "stdp-enu", clock=lambda: now[0]) as lines:
        for _ in range(300):
            now[0] += 1.0
            lines.update()
            lines.set_postfix_str(f"held-out {-now[0]}")
    said = capsys.readouterr()
    assert not said.out and "\r" not in said.err
    lines = said.err.splitlines()
    assert len(lines) == 5
    for k, line in enumerate(lines, 1):
        assert line.startswith("stdp-enu: ") and f"{100 + 60 * k} of 1000" in line and duration(900 - 60 * k) in line
    assert "held-out -59.0" in lines[0]


def test_a_progress_line_names_the_work_and_what_is_counted(capsys):
    with Lines(10, 2, "sweep", "run", every=0.0) as lines:
        lines.update()
    assert capsys.readouterr().err.startswith("sweep: run 3 of 10")


def test_a_closed_stderr_does_not_stop_the_work(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sys, "stderr", Gone())
    lines = Lines(10, every=0.0)
    lines.update()
    assert lines.n == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream, drawn", [(Terminal(), True), (io.StringIO(), False)])
def test_a_bar_is_drawn_in_a_terminal_only(stream, drawn, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with bar(10, desc="stdp") as shown:
        shown.update()
    assert ("\r" in stream.getvalue()) is drawn and (isinstance(shown, Lines)) is not drawn


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_quiet_prints_nothing(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    with bar(10, desc="stdp", show=False) as shown:
        shown.set_postfix_str("b")
        shown.update()
    assert stream.getvalue() == ""


@pytest.mark.parametrize("seconds, said", [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")])
def test_durations_use_a_suitable_unit(seconds, said):
    assert duration(seconds) == said
