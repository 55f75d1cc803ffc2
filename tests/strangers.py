"""Entry points ("doors") for files and command lines from strangers, each tested with random mutations.

    with Doors(folder) as doors:
        outcome = doors.genome(rng)          # "refused", "same", "told" or "other"

A door raises AssertionError if a mutated file crashes the reader or takes much memory, or if damage goes unnoticed.
Damage (mutated bytes) must be refused, make no difference, or be mentioned on stderr.  A file that a stranger wrote with a
checksum of its own may also be read as something else.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import mutations
import torch
from safetensors.torch import save

import enu_lib as enu
from enu_lib import config
from enu_lib.base.notices import tell
from enu_lib.cli import main
from enu_lib.storage.folder import read_tensors
from enu_lib.storage.seal import sealed
from enu_lib.study import results, sweep

ROOM = 2**30  # bytes that reading may take
REFUSED, SAME, TOLD, OTHER = "refused", "same", "told", "other"

COMMANDS = [
    ["evolve", "stdp", "--profile", "smoke", "--quiet"],
    ["evolve", "iaf", "--model", "lstm", "--profile", "smoke", "--seed", "3", "--hidden", "5", "--sigma", "0.1"],
    ["evolve", "tmaze", "--profile", "smoke", "--set", "task.arm=3", "--set", "es.breadth=1.5", "--set", "model.cell=gru"],
    ["evolve", "stdp", "--profile", "smoke", "--set", 'stages=[{"type":"Stage","until":2,"task":{"type":"STDP"}}]'],
    ["evolve", "stdp", "--profile", "smoke", "--parent", "stdp-enu", "--hidden", "32", "--population", "16", "--threads", "1"],
    ["evaluate", "RUN", "--n", "4", "--json"],
    ["evaluate", "--agent", "latch", "--n", "2", "--seed", "5", "--double"],
    ["sweep", "--profile", "smoke", "--experiments", "stdp,iaf", "--models", "enu", "--seeds", "1", "--jobs", "2"],
    ["zoo", "show", "stdp-enu"],
    ["zoo", "list"],
    ["zoo", "add", "RUN", "stdp-enu", "--note", "a note", "--latest"],
    ["claims", "--json"],
]
POOL = [
    "--set", "--seed", "--n", "--model", "--hidden", "--population", "--generations", "--environments", "--sigma", "--parent",
    "--device", "--threads", "--time-limit", "--profile", "--quiet", "--json", "--double", "--agent", "--help", "--", "-",
    "", "0", "-1", "1", "2", "3.5", "1e308", "nan", "inf", str(2**31), str(2**63), "9" * 400, "-0", "0x10", "1_0", "\u0663",
    "x", "stdp", "tmaze", "enu", "shared", "smoke", "paper", "cpu", "abacus", "90s", "9" * 400 + "h", "latch", "RUN", "nobody",
    "task.steps=1000000", "task.steps=-1", "task={}", "model=null", "model.hidden=65536", "es.power=NaN", "es.sigma=Infinity",
    "es.population=1e99", "stages=[[[]]]", "target=" + "9" * 400, "name=\x00", "task=" + "[" * 2000, "=", "a=b=c", "es.=1",
    ".=1", "model.connections=[[0,1]]", "task.pairs=[[0,0],[1,2]]", "task.layout=y", 'task={"type":"Maze"}', 'es={"type":"ES"}',
]  # fmt: skip


class Doors:
    """Valid files in a folder, and doors that read mutated copies of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = folder / "run"
        for generations in (3, 6):  # twice, so that there is a previous checkpoint
            enu.evolve("stdp", profile="smoke", generations=generations, out=self.run, progress=False)
        jobs = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)[:2]
        assert sweep.run("smoke", jobs, folder / "sweep", jobs=1, progress=False) == []
        results.collect("smoke", folder / "sweep", folder / "kept")
        self.job = folder / "sweep" / jobs[0].name
        self.zoo = folder / "zoo"
        self.zoo.mkdir()
        self.entry = self.zoo / "stdp-enu.safetensors"
        self.entry.write_bytes((enu.zoo.FOLDER / self.entry.name).read_bytes())
        self.stack = contextlib.ExitStack()

    def __enter__(self) -> Doors:
        enter = self.stack.enter_context
        enter(mock.patch.object(enu.zoo, "FOLDER", self.zoo))
        enter(mock.patch("enu_lib.evolve.fitness", _no_lives))
        enter(mock.patch("enu_lib.analysis.scores.scores", lambda *_, **__: {"fitness": 0.0}))
        enter(mock.patch("enu_lib.analysis.scores", lambda *_, **__: {"fitness": 0.0}))
        enter(mock.patch("enu_lib.analysis.battery.battery", lambda *_, **__: mock.MagicMock(as_json=dict)))
        enter(mock.patch("enu_lib.study.claims.judge", lambda _: []))
        if sys.platform == "linux":  # macOS does not enforce this limit
            before = resource.getrlimit(resource.RLIMIT_AS)
            self.stack.callback(resource.setrlimit, resource.RLIMIT_AS, before)
            taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, before[1]))
        self.whole = {door: read() for door, read in self._readers().items()}
        return self

    def __exit__(self, *_: Any) -> None:
        self.stack.close()

    def _readers(self) -> dict[str, Callable[[], Any]]:
        return {
            "genome": lambda: _comparable(enu.zoo.load("stdp-enu")),
            "run": lambda: _comparable(enu.load_run(self.run)),
            "results": lambda: results.load("smoke", self.folder / "kept"),
            "evaluation": lambda: results.read_evaluation(self.job),
        }

    def _damaged(self, door: str, file: Path, mutate: Callable[[bytes], bytes], forged: bool = False) -> str:
        """Read a door after a mutation of one of its files, and restore the file."""
        whole = file.read_bytes()
        file.write_bytes(mutate(whole))
        tell.cache_clear()
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                found = self._readers()[door]()
        except ValueError as error:
            line = str(error)
            assert "\n" not in line and str(file.parent) in line and len(line) < 1500, line
            return REFUSED
        finally:
            file.write_bytes(whole)
        if found == self.whole[door]:
            return SAME
        if said.getvalue():
            return TOLD
        assert forged, f"damage to {file.name} was not noticed"
        return OTHER

    def genome(self, rng: random.Random) -> str:
        """A zoo entry: damaged bytes, a changed header, or words and tensors with a new checksum."""
        return self._tensors("genome", self.entry, rng)

    def _tensors(self, door: str, file: Path, rng: random.Random) -> str:
        kind = rng.randrange(3)
        if kind == 0:
            return self._damaged(door, file, lambda data: mutations.in_bytes(data, rng))
        if kind == 1:
            return self._damaged(door, file, lambda data: mutations.in_safetensors(data, rng))
        tensors, words = read_tensors(file)

        def forge(data: bytes) -> bytes:
            name = rng.choice(sorted(tensors))
            t = tensors[name]
            others = [t.int(), t.double(), t.half(), t.bfloat16(), t > 0, t[:-1], t[:0], t[None], t.sum(), t * torch.nan, t / 0]
            other = t if rng.random() < 0.3 else rng.choice(others)
            new = {**tensors, name: other.clone()}
            if rng.random() < 0.1:
                new[rng.choice(["other", "genome", "parent"])] = new.pop(name)
            meta = mutations.in_json(words, rng) if rng.random() < 0.7 else words
            return _file(new, meta)

        return self._damaged(door, file, forge, forged=True)

    def run_folder(self, rng: random.Random) -> str:
        """A file of a run folder: checkpoint, previous checkpoint, log, configuration."""
        name = rng.choice(["checkpoint.safetensors", "checkpoint.previous.safetensors", "log.csv", "log.csv", "config.json"])
        file = self.run / name
        if name.endswith("safetensors"):
            return self._tensors("run", file, rng)
        if name == "log.csv":
            change = rng.choice([mutations.in_bytes, mutations.in_table, mutations.in_table])
            return self._damaged("run", file, lambda data: change(data, rng))
        return self._json("run", file, rng)

    def _json(self, door: str, file: Path, rng: random.Random) -> str:
        if rng.random() < 0.5:
            return self._damaged(door, file, lambda data: mutations.in_bytes(data, rng))

        def forge(data: bytes) -> bytes:
            value = mutations.in_json(json.loads(data), rng)
            return json.dumps(sealed(value) if isinstance(value, dict) and rng.random() < 0.9 else value).encode()

        return self._damaged(door, file, forge, forged=True)

    def result(self, rng: random.Random) -> str:
        """Stored results of a sweep, or the record of one run."""
        if rng.random() < 0.3:
            return self._json("evaluation", self.job / "evaluation.json", rng)
        file = results.path("smoke", self.folder / "kept")
        if rng.random() < 0.4:
            return self._damaged("results", file, lambda data: mutations.in_bytes(data, rng))

        def forge(data: bytes) -> bytes:
            value = mutations.in_json(json.loads(gzip.decompress(data)), rng)
            return gzip.compress(json.dumps(value).encode(), rng.choice([1, 9]))

        return self._damaged("results", file, forge, forged=True)

    def configuration(self, rng: random.Random) -> str:
        """The settings of an experiment as JSON, as bytes or as values."""
        name = rng.choice(enu.experiments.NAMES)
        e = enu.experiments.get(name, profile=rng.choice(enu.experiments.PROFILES))
        text = config.to_json(e).encode()
        if rng.random() < 0.5:
            text = mutations.in_bytes(text, rng)
        else:
            text = json.dumps(mutations.in_json(json.loads(text), rng)).encode()
        try:
            found = config.from_config(config.parse_json(text, "here"))
        except ValueError as error:
            assert len(str(error)) < 1500, str(error)
            return REFUSED
        return SAME if found == e else OTHER

    def command_line(self, rng: random.Random) -> str:
        """A command with changed words; evolving and measuring are replaced, so that only its settings matter."""
        words = mutations.in_words(rng.choice(COMMANDS), POOL, rng)
        words = [str(self.run) if word == "RUN" else word for word in words]
        first = words[0] if words else ""
        out = self.folder / "out" / str(rng.randrange(2**60))
        words += {
            "evolve": [f"--out={out}", "--time-limit=0s"],
            "sweep": ["--dry-run", f"--out={out}", f"--results={out}"],
        }.get(first, [])
        said, printed, entry = io.StringIO(), io.StringIO(), self.entry.read_bytes()
        try:
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
                code = main(words)
        except SystemExit as end:
            code = end.code
        finally:
            self.entry.write_bytes(entry)
        assert code in (0, 2), (words, code)
        lines = said.getvalue().splitlines()
        if code:
            assert len(lines) == 1 and lines[0].startswith("enu_lib: ") and len(lines[0]) < 1500, (words, lines)
        return REFUSED if code else SAME


DOORS = {  # and their shares of all inputs; a command line takes much longer than a file
    "genomes": (Doors.genome, 0.3),
    "run folders": (Doors.run_folder, 0.25),
    "results": (Doors.result, 0.15),
    "configurations": (Doors.configuration, 0.25),
    "command lines": (Doors.command_line, 0.05),
}


def _no_lives(model: Any, genomes: torch.Tensor, *_: Any, environments: int = 1, **__: Any) -> torch.Tensor:
    """The shape of a fitness, without any life."""
    return torch.zeros(len(genomes), 1)


def _comparable(evolved: Any) -> Any:
    """A run or an entry of the zoo as a value that `==` compares."""
    if hasattr(evolved, "log"):
        tensors = (evolved.genome, evolved.parent)
        rest: Any = (evolved.experiment, evolved.seed, evolved.score, evolved.generation, evolved.seconds, evolved.log)
        rest += (evolved.stage_ends, evolved.begun_from)
    else:
        words = json.dumps(evolved.provenance, sort_keys=True)  # their order has no meaning
        tensors, rest = (evolved.genome,), (evolved.experiment, words)
    return repr(rest), tuple(t.tolist() for t in tensors)


def _file(tensors: dict[str, torch.Tensor], words: Any) -> bytes:
    """A safetensors file with a checksum that is right, if the library could have written these tensors."""
    plain = {name: t for name, t in tensors.items() if t.dtype == torch.float32}
    words = sealed(words, plain) if isinstance(words, dict) else words
    return save(tensors, {"enu": json.dumps(words)})
