"""Names of compared models: their parts, and the text that they are stored as."""

import pytest

from enu_lib.experiments import MODELS
from enu_lib.study import design, protocol, results, tables
from enu_lib.study.model_name import ModelName, with_variant, without_variant


@pytest.mark.parametrize(
    "name, parts",
    [
        ("enu", ModelName("enu")),
        ("enu@annealed", ModelName("enu", variant="annealed")),
        ("lstm-matched", ModelName("lstm", matched=True)),
        ("shared-matched@low-slow", ModelName("shared", True, "low-slow")),
        ("gru-clip", ModelName("gru-clip")),
        ("one-gru", ModelName("one-gru")),
    ],
)
def test_a_model_name_is_parsed_into_its_parts_and_written_back(name, parts):
    assert ModelName.parse(name) == parts and str(parts) == name


def test_stored_and_planned_names_keep_their_text():
    stored = {run.model for sweep in ("laptop", "second") for run in results.load(sweep).runs}
    planned = {job.model for job in design.jobs("laptop")} | {job.model for p in protocol.PLANNED for job in protocol.tuning(p)}
    assert len(stored) > 20 and len(planned) > 20
    for name in stored | planned:
        parts = ModelName.parse(name)
        assert str(parts) == name and parts.model in MODELS


def test_a_variant_is_added_replaced_and_left_out():
    assert with_variant("lstm-matched", "small") == "lstm-matched@small"
    assert with_variant("enu@small", "large") == "enu@large"
    assert without_variant("lstm-matched@small") == "lstm-matched"


def test_the_kind_of_a_clipped_model_is_the_model_that_is_clipped():
    clipped, gain = ModelName.parse("lstm-clip@small"), ModelName.parse("gru-gain")
    assert (clipped.kind, clipped.clipped) == ("lstm", True)
    assert (gain.kind, gain.clipped) == ("gru-gain", False)
    assert tables.name("lstm-clip-matched@small") == "LSTM, clipped, matched size, small"


@pytest.mark.parametrize("name", ["", "@annealed", "-matched", "enu@"])
def test_what_names_no_model_is_refused(name):
    with pytest.raises(ValueError, match="does not name a model") as refused:
        ModelName.parse(name)
    assert repr(name) in str(refused.value)
