"""make torture: faults at random moments, mutated inputs and the kernel under sanitizers; prints how many were tried.

    python tests/torture.py --kills 200 --inputs 100000 --sanitized 40 --seed 0

Ends with an error at the first fault that loses something, at the first input that is not refused as it should be, and if the
kernel reads or writes memory that is not its own.
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
import sanitized_lives  # noqa: E402
import torch  # noqa: E402
from strangers import DOORS, Doors  # noqa: E402

from enu_lib.kernels import cpu  # noqa: E402

FAULTS = {
    "SIGKILL while evolving": (kills.evolving, 0.25),
    "SIGKILL while checkpointing": (kills.checkpointing, 0.25),
    "SIGKILL while sweeping": (kills.sweeping, 0.25),
    "SIGKILL while writing the zoo": (kills.writing_the_zoo, 0.25),
    "SIGTERM or SIGHUP while evolving": (kills.terminating, 0.1),
    "full disk while checkpointing": (kills.full_disk, 0.1),
}  # share of --kills: those by SIGKILL add up to all of them
SANITIZED = "kernel under sanitizers"
HANG = 600.0  # seconds for a thousand inputs
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # killing processes needs no disk


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--sanitized", type=int, default=40, help="cases of each kind for the sanitized kernel")
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
    if options.sanitized and options.only in SANITIZED and not sanitized_lives.sanitizer():
        print(f"{SANITIZED}: not tried, since there is no compiler with an address sanitizer here", flush=True)
    elif options.sanitized and options.only in SANITIZED:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            many = sanitized_lives.check(options.sanitized, cpu.MAX_HIDDEN, folder)
        print(f"{SANITIZED}: {many} tried, nothing reported, {time.monotonic() - begun:.0f} s", flush=True)
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
