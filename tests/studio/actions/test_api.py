"""What a program may say: each value of its own type, and what is left out chosen as on the command line."""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.actions.api import compare_for_program, made_for
from studio.deps import Deps
from tests.fakes import ADAPTER, BASE, POST, FakeEngine, make_deps
from training.cli_compare import EMBEDDED, arms_of
from training.engine.api import AdapterInfo, BaseInfo, EngineSettings
from training.engine.hub import list_adapters
from training.errors import InputError


class Offering(FakeEngine):
    """A second base, and adapters that the test names."""

    def __init__(self, first: str, offered: dict[str, str | None] | None) -> None:
        super().__init__()
        self.first, self.offered = first, offered

    def bases(self) -> list[BaseInfo]:
        return [BaseInfo(name, name, name, 1, 1, name == self.first) for name in (self.first, "other")]

    def adapters(self, base: str) -> list[AdapterInfo]:
        if self.offered is None:
            return list_adapters(base, EngineSettings())
        return [AdapterInfo(name, name, name, base, 8, task, 1, "") for name, task in self.offered.items()]


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return make_deps(tmp_path)


def ask(deps: Deps, **given: Any) -> list[dict[str, Any]]:
    plain = {"text": POST, "task": "", "base": "", "adapters": None, "prompted": False, "seed": None}
    answer = compare_for_program(deps, **{**plain, **given})
    return [json.loads(line) for line in answer.splitlines()]


@pytest.mark.parametrize(
    ("given", "said", "fix"),
    [
        ({"text": 123}, "text is 123.", "a text"),
        ({"text": ["a"]}, 'text is ["a"].', "a text"),
        ({"text": None}, "text is null.", "a text"),
        ({"task": ["x"]}, 'task is ["x"].', "name of a task"),
        ({"base": 5}, "base is 5.", "name of a base"),
        ({"adapters": "name"}, 'adapters is "name".', 'such as ["mine"]'),
        ({"adapters": [1]}, "adapters holds 1.", "list of names"),
        ({"adapters": [" "]}, 'adapters holds " ".', "list of names"),
        ({"adapters": {"a": 1}}, 'adapters is {"a": 1}.', "list of names"),
        ({"prompted": "false"}, 'prompted is "false".', "true or false, without quotes"),
        ({"prompted": 0}, "prompted is 0.", "true or false"),
        ({"prompted": None}, "prompted is null.", "true or false"),
        ({"seed": [1]}, "seed is [1].", "whole number"),
        ({"seed": "7"}, 'seed is "7".', "whole number"),
        ({"seed": True}, "seed is true.", "whole number"),
        ({"seed": 1.5}, "Seed is 1.5.", "whole number"),
        ({"constrained": "no"}, 'constrained is "no".', "true or false"),
        ({"text": {"a": "b" * 500}}, "…", "a text"),
    ],
)
def test_a_value_of_another_type_is_refused_and_never_read_as_what_it_may_have_meant(
    deps: Deps, given: dict[str, Any], said: str, fix: str
) -> None:
    with pytest.raises(InputError) as caught:
        ask(deps, **given)
    assert said in str(caught.value) and fix in caught.value.fix and len(str(caught.value)) < 100
    assert isinstance(deps.engine, FakeEngine) and not deps.engine.prepared, "nothing was loaded for it"


def test_without_adapters_it_is_the_one_made_for_the_task_on_the_first_base_and_none_on_another(deps: Deps) -> None:
    offered = {"says-nothing": None, "for-news": "news-metadata", ADAPTER: "recipe-jsonld"}
    deps = replace(deps, engine=Offering(BASE, offered))
    assert made_for(deps, BASE, "recipe-jsonld") == [ADAPTER]
    assert made_for(deps, BASE, "news-metadata") == ["for-news"]
    assert made_for(deps, BASE, "recipe-writer") == []
    assert [line["arm"] for line in ask(deps)] == ["base", ADAPTER]
    assert [line["arm"] for line in ask(deps, base="other")] == ["base"]


def test_the_rule_is_the_command_lines(deps: Deps) -> None:
    deps = replace(deps, engine=Offering(EMBEDDED, None))
    for base in (EMBEDDED, "other"):
        for task in ("recipe-jsonld", "news-metadata", "recipe-writer"):
            given = argparse.Namespace(task=task, base=base, adapter=[], prompted=False)
            told = [arm.adapter for arm in arms_of(given, EngineSettings()) if arm.adapter]
            assert made_for(deps, base, task) == told
