"""Benchmarks of all backends on the same workloads."""
