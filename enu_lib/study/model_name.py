"""Names of compared models: MODEL, MODEL-matched, MODEL@VARIANT or MODEL-matched@VARIANT."""

from __future__ import annotations

from dataclasses import dataclass, replace

_MATCHED, _CLIP = "-matched", "-clip"


@dataclass(frozen=True)
class ModelName:
    """The parts of a compared model's name; `str` gives the name as it is stored."""

    model: str  # as in `experiments.MODELS`
    matched: bool = False  # memory size chosen so that the number of parameters is closest to the ENU's
    variant: str = ""  # what is changed, such as the evolution strategy; empty: nothing

    @classmethod
    def parse(cls, name: str) -> ModelName:
        """The parts of a name.  Raises ValueError if there is no model, or nothing after @."""
        whole, at, variant = name.partition("@")
        model = whole.removesuffix(_MATCHED)
        if not model or (at and not variant):
            raise ValueError(
                f"{name!r} does not name a model: write MODEL or MODEL{_MATCHED}, then optionally @VARIANT: enu@small"
            )
        return cls(model, model != whole, variant)

    def __str__(self) -> str:
        return self.model + (_MATCHED if self.matched else "") + (f"@{self.variant}" if self.variant else "")

    @property
    def kind(self) -> str:
        """The model without its suffix -clip: gru for gru-clip."""
        return self.model.removesuffix(_CLIP)

    @property
    def clipped(self) -> bool:
        """Whether the read-out is clipped."""
        return self.model.endswith(_CLIP)


def without_variant(name: str) -> str:
    """The name of the same model with nothing changed."""
    return with_variant(name, "")


def with_variant(name: str, variant: str) -> str:
    """The name of a variant of the named model."""
    return str(replace(ModelName.parse(name), variant=variant))
