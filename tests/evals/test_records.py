"""Arms by their names."""

from dataclasses import replace

import pytest

from training.errors import InputError
from training.evals.records import BASES, FREE_SAMPLES, EvalArm, read_arm, usual_samples
from training.task.pack import BUILTIN, load_pack


def test_an_arm_may_have_a_temperature_of_its_own() -> None:
    hot = read_arm(" adapter+constrained:a/b@0.70 ")
    assert hot == EvalArm("adapter+constrained:a/b@0.7", "adapter", "a/b", constrained=True, temperature=0.7)
    assert hot.without_heat == "adapter+constrained:a/b" and read_arm("base").without_heat == "base"
    assert read_arm("base@0") == EvalArm("base@0", "base", temperature=0.0)
    assert read_arm("endpoint:model@1").temperature is None, "a model may be called so"
    for name in ("adapter:a@2.5", "base@3"):
        with pytest.raises(InputError, match="temperature of"):
            read_arm(name)
    for name in ("empty@0.7", "nobody@0.7"):
        with pytest.raises(InputError, match="There is no arm"):
            read_arm(name)


def test_a_base_arm_says_its_prompt_and_whether_the_schema_holds_it() -> None:
    found = {name: read_arm(name) for name in BASES}
    assert {name for name, arm in found.items() if arm.prompted} == {"prompted", "shots", "constrained"}
    assert {name for name, arm in found.items() if arm.constrained} == {"base+constrained", "constrained"}
    assert {name: arm.shots for name, arm in found.items() if arm.shots} == {"shots": 3}
    assert all(arm.kind == "base" and arm.adapter is None for arm in found.values())


def test_an_adapter_arm_may_be_held_and_a_wrong_name_is_told_with_the_right_ones() -> None:
    name = "adapter+constrained:a/b"
    assert read_arm(f" {name} ") == EvalArm(name, "adapter", "a/b", constrained=True)
    with pytest.raises(InputError) as refused:
        read_arm("prompted+constrained")
    assert "base+constrained" in refused.value.fix


def test_free_text_that_is_drawn_is_asked_several_times() -> None:
    free, object_ = (load_pack(BUILTIN / name) for name in ("recipe-writer", "news-metadata"))
    drawn = replace(free.sampling, temperature=0.8)
    assert usual_samples(free, drawn) == FREE_SAMPLES == 5
    assert usual_samples(free, replace(drawn, temperature=0.0)) == 1 == usual_samples(object_, drawn)
