"""Storage of runs on disk: folders, checkpoints, logs."""
