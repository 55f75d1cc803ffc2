"""Commands that must end in a one-line error, for tests of files, checkpoints and disks."""

from enu_lib.cli import main

SMOKE = ["evolve", "stdp", "--profile", "smoke", "--quiet", "--generations", "9", "--out"]


def collect(folder, to=None):
    """The command that collects the results of the sweep in the folder of the fixture `collected`."""
    return ["sweep", "--profile", "smoke", "--out", str(folder / "runs"), "--results", str(to or folder / "kept"), "--collect"]


def files(folder):
    """The bytes of all files in a folder, by name."""
    return {f.name: f.read_bytes() for f in sorted(folder.iterdir()) if f.is_file()}


def one_line(arguments, capsys):
    """The one line with which a command fails."""
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def one_line_and_no_change(arguments, file, capsys, code=2):
    """The one line with which a command fails; it names the file, and the file's folder stays as it was."""
    before = files(file.parent)
    assert main(arguments) == code
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("enu_lib: ") and str(file) in lines[0] and len(lines[0]) < 700
    assert files(file.parent) == before
    return lines[0]
