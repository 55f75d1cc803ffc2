"""A sweep on a SLURM cluster.  Run it on the login node, in a folder that all nodes share, and again to resume:

    pip install '.[cluster]'
    python slurm_sweep.py --profile paper --out runs/sweep-paper

Arguments are those of `python -m enu_lib sweep`.  Adapt `nodes` and `settings` to your cluster's partitions and limits.
"""

import sys

from dask_jobqueue import SLURMCluster

from enu_lib.cli import main

nodes = 8
settings = {
    "queue": "normal",  # the partition
    "cores": 32,
    "processes": 32,  # per node: one worker per core, each with one thread
    "memory": "64GB",
    "walltime": "08:00:00",
    "worker_extra_args": ["--lifetime", "7h50m", "--lifetime-stagger", "5m"],  # leave before SLURM ends the job
    "job_script_prologue": ["export OMP_NUM_THREADS=1"],
}
# On GPUs: one worker per GPU, which sees only this GPU; and `--device cuda` below.
gpu_settings = {
    **settings,
    "cores": 1,
    "processes": 1,
    "memory": "16GB",
    "job_extra_directives": ["--gres=gpu:1"],
}

if __name__ == "__main__":
    cuda = "cuda" in sys.argv
    with SLURMCluster(**(gpu_settings if cuda else settings)) as cluster:
        cluster.adapt(maximum_jobs=nodes)  # asks SLURM for nodes while there is work, and gives them back
        sys.exit(main(["sweep", "--scheduler", cluster.scheduler_address, *sys.argv[1:]]))
