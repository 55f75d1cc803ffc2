"""What fitness is measured on: integrate and fire, plasticity rules, mazes."""
