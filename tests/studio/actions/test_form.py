"""The form is checked once; nothing wrong is put right in silence."""

from pathlib import Path
from typing import Any

import pytest

from studio.actions.form import Form, parse_temperatures, to_request
from studio.deps import Deps
from tests.fakes import ADAPTER, BASE, form_values, make_deps
from training.errors import InputError
from training.task.records import Arm, ArmKind, Sampling


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return make_deps(tmp_path)


def form(**changes: Any) -> Form:
    return Form.of(form_values(**changes))


def test_a_whole_form_becomes_a_request(deps: Deps) -> None:
    request = to_request(form(temperature=0.7, top_p=0.9, top_k=40.0, max_new_tokens=64.0, seed=11.0), deps)
    assert request.arms == (Arm(ArmKind.BASE, "base"), Arm(ArmKind.ADAPTER, ADAPTER, ADAPTER))
    assert request.sampling == Sampling(0.7, 0.9, 40, 1.0, 64, 11, 0)
    penal = to_request(form(repetition_penalty=1.1, no_repeat_ngram=32.0), deps).sampling
    assert (penal.repetition_penalty, penal.no_repeat_ngram, penal.constrained) == (1.1, 32, False)
    assert to_request(form(constrained=True), deps).sampling.constrained
    assert not to_request(form(constrained=None), deps).sampling.constrained, "a box that is not on the page"
    assert (request.task.name, request.base, request.budget_tokens) == ("recipe-jsonld", BASE, None)


def test_columns_stand_in_one_order_whatever_was_ticked_first(deps: Deps) -> None:
    arms = to_request(form(arms=[f"adapter:{ADAPTER}", "prompted", "base"]), deps).arms
    assert [arm.label for arm in arms] == ["base", "prompted base", ADAPTER]


def test_ones_own_adapter_joins_the_columns_under_its_folders_name(deps: Deps) -> None:
    arms = to_request(form(arms=["base"], own_adapter=" /models/my-lora/ "), deps).arms
    assert arms[1] == Arm(ArmKind.ADAPTER, "my-lora", "/models/my-lora/")


def test_adapters_whose_folders_are_called_alike_are_told_apart(deps: Deps) -> None:
    def labels(arms: list[str], own: str) -> list[str]:
        return [arm.label for arm in to_request(form(arms=arms, own_adapter=own), deps).arms]

    assert labels([f"adapter:{ADAPTER}"], f"/one/{ADAPTER}") == [f"{ADAPTER} (adapter)", f"/one/{ADAPTER}"]
    assert labels(["adapter:/two/lora"], "/one/lora") == ["/two/lora", "/one/lora"]
    assert labels(["base"], "/mine/base") == ["base", "/mine/base"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": None}, "Seed is empty"),
        ({"seed": 1.5}, "Seed is 1.5"),
        ({"seed": -1}, "Seed is -1"),
        ({"seed": 2**32}, "Seed is 4294967296"),
        ({"seed": "7"}, "Seed is '7'"),
        ({"seed": float("nan")}, "Seed is nan"),
        ({"temperature": 2.5}, "Temperature is 2.5"),
        ({"temperature": True}, "Temperature is True"),
        ({"top_p": 0}, "Top p is 0"),
        ({"top_k": -3}, "Top k is -3"),
        ({"repetition_penalty": 0.1}, "Repetition penalty is 0.1"),
        ({"no_repeat_ngram": 2.5}, "No repeats of is 2.5"),
        ({"max_new_tokens": 0}, "Max new tokens is 0"),
        ({"max_new_tokens": 10**6}, "Max new tokens is 1000000"),
        ({"budget_tokens": 3}, "Token budget is 3"),
        ({"task": "nope"}, "no task 'nope'"),
        ({"base": ""}, "No base model"),
        ({"arms": []}, "0 columns"),
        ({"arms": ["base", "prompted", "adapter:a", "adapter:b"], "own_adapter": "c"}, "5 columns"),
        ({"blind": True, "arms": ["base"]}, "1 columns were chosen"),
        ({"sweep": True}, "No column was chosen for the sweep"),
        ({"text": ""}, "text is empty"),
        ({"text": " \n\t"}, "text is empty"),
        ({"text": None}, "text is empty"),
    ],
)
def test_what_is_wrong_is_named_with_a_way_out(deps: Deps, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        to_request(form(**changes), deps)
    assert caught.value.fix


def test_a_sweep_is_one_model_at_several_temperatures(deps: Deps) -> None:
    request = to_request(form(sweep=True, sweep_arm=f"adapter:{ADAPTER}", temperatures="0.3; 1"), deps)
    assert request.arms == (
        Arm(ArmKind.ADAPTER, "T 0.3", ADAPTER, 0.3),
        Arm(ArmKind.ADAPTER, "T 1", ADAPTER, 1.0),
    )


@pytest.mark.parametrize("text", ["", "hot", "0.3,", "0.3, -1", "0.3, 2.1", "0.7, 0.70", "nan", "0.1,0.2 0.3"])
def test_temperatures_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_temperatures(text)


def test_a_sweep_of_five_is_one_too_many(deps: Deps) -> None:
    with pytest.raises(InputError, match="5 columns"):
        to_request(form(sweep=True, sweep_arm="base", temperatures="0, 0.1, 0.2, 0.3, 0.4"), deps)


def test_on_a_space_only_what_is_offered_runs(tmp_path: Path) -> None:
    space = make_deps(tmp_path, space=True)
    assert to_request(form(), space).base == BASE
    for changes in ({"base": "/etc"}, {"base": "me/my-model"}, {"own_adapter": "/etc"}, {"own_adapter": "me/lora"}):
        with pytest.raises(InputError, match="not offered here"):
            to_request(form(**changes), space)
    with pytest.raises(InputError, match="not offered here"):
        to_request(form(sweep=True, sweep_arm="adapter:/etc", temperatures="1"), space)


def test_an_example_comes_with_its_known_answer(deps: Deps) -> None:
    pack = deps.packs["recipe-jsonld"]
    for example in pack.examples:
        assert to_request(form(text=f"{example.text}\n"), deps).gold == example.gold
    assert to_request(form(), deps).gold is None
