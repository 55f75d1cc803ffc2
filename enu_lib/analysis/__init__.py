"""Analyses of evolved units and networks, on inputs that were not used in evolution."""

from enu_lib.analysis.flow import Flow, computation_flow
from enu_lib.analysis.scores import scores
from enu_lib.analysis.units import (
    FrequencyCurve,
    Window,
    coincidence,
    firing_frequency,
    frequency_curve,
    plasticity_window,
    relative_change,
)  # fmt: skip

__all__ = [
    "Flow", "FrequencyCurve", "Window", "coincidence", "computation_flow", "firing_frequency", "frequency_curve",
    "plasticity_window", "relative_change", "scores",
]  # fmt: skip
