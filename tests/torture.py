"""make torture: faults at random moments and mutated inputs; prints how many were tried and what became of them.

    python tests/torture.py --kills 200 --inputs 100000 --seed 0

Ends with an error at the first fault that loses something, and at the first input that is not refused as it should be.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import kills  # noqa: E402
import torch  # noqa: E402
from strangers import DOORS, Doors  # noqa: E402

FAULTS = {
    "SIGKILL while evolving": (kills.evolving, 0.25),
    "SIGKILL while checkpointing": (kills.checkpointing, 0.25),
    "SIGKILL while sweeping": (kills.sweeping, 0.25),
    "SIGKILL while writing the zoo": (kills.writing_the_zoo, 0.25),
    "SIGTERM or SIGHUP while evolving": (kills.terminating, 0.1),
    "full disk while checkpointing": (kills.full_disk, 0.1),
}  # share of --kills: those by SIGKILL add up to all of them
HANG = 600.0  # seconds for a thousand inputs
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # killing processes needs no disk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only those whose name contains this, such as zoo or genomes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, (fault, share) in FAULTS.items() if options.kills else ():
        if options.only not in name:
            continue
        times, begun = max(1, round(share * options.kills)), time.monotonic()
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            hits = fault(Path(folder), times, random.Random(f"{options.seed} {name}"))
        print(f"{name}: {times} tried, {hits} hit the work, {times} survived, {time.monotonic() - begun:.0f} s", flush=True)
    if not options.inputs:
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, Doors(Path(folder)) as doors:
        for name, (door, share) in DOORS.items():
            if options.only not in name:
                continue
            found, begun = Counter[str](), time.monotonic()
            for k in range(round(share * options.inputs)):
                if k % 1000 == 0:
                    faulthandler.dump_traceback_later(HANG, exit=True)
                try:
                    found[door(doors, random.Random(f"{options.seed} {name} {k}"))] += 1
                except BaseException:
                    print(f"{name}: input {k} of seed {options.seed}", file=sys.stderr)
                    raise
            counts = ", ".join(f"{n} {outcome}" for outcome, n in sorted(found.items()))
            print(f"mutated {name}: {sum(found.values())} tried: {counts}, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
