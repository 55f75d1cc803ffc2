"""Tasks that define fitness: integrate-and-fire, synaptic plasticity, mazes."""
