"""A base that reads too little for the task's answer: what is told, and the answer budget that is offered."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from studio.actions.form import Form, to_request
from studio.actions.room import answer_to_offer, known_context
from studio.actions.sources import preview
from studio.deps import Deps
from studio.guard import Visit
from studio.tabs.compare import SAME, on_fit, on_preview
from tests.fakes import BASE, FakeEngine, form_values, make_deps
from training.compare import prepare
from training.engine.api import BaseInfo, ModelCard
from training.errors import InputError
from training.task.context import build_context
from training.task.prompt import check_fits
from training.task.records import Source
from training.task.rules import ContextRules

PAGE = Visit("page", {})


class Small(FakeEngine):
    """A base that reads `context` tokens in all."""

    context = 1024

    def prepare(self, base: str, adapters: Sequence[str], progress: Callable[[str, float | None], None]) -> ModelCard:
        return replace(super().prepare(base, adapters, progress), context_tokens=self.context)


def quiet(_text: str, _fraction: float | None) -> None:
    """No progress wanted."""


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return make_deps(tmp_path, engine=Small())


def form(**changes: object) -> Form:
    return Form.of(form_values(max_new_tokens=900, **changes))


def asked(deps: Deps, **changes: object) -> str:
    with pytest.raises(InputError) as caught:
        prepare(to_request(form(**changes), deps), deps.engine, quiet)
    said = f"{caught.value} {caught.value.fix}"
    assert not re.search(r"-\d", said), said
    return said


def test_no_negative_number_is_told_but_the_budget_that_fits(deps: Deps) -> None:
    said = asked(deps)
    assert "tiny reads 1,024 tokens in all" in said and "the answer up to 900, which leaves none for the text" in said
    fits = int(re.findall(r"max new tokens\) to ([\d,]+) or less", said)[0])
    found = prepare(to_request(replace(form(), max_new_tokens=fits), deps), deps.engine, quiet)
    assert found.context.budget_tokens >= fits and found.context.shown


def test_where_only_the_schema_takes_the_room_it_may_be_left_out(deps: Deps) -> None:
    assert isinstance(deps.engine, Small)
    deps.engine.context = 1250
    prepare(to_request(form(arms=["base"]), deps), deps.engine, quiet)
    assert "leave the prompted base out" in asked(deps, arms=["base", "prompted"])
    deps.engine.context = 120
    assert asked(deps).endswith("Pick a model with a longer context."), "no budget would fit"


def test_what_is_left_for_the_text_is_never_told_as_a_negative_number() -> None:
    with pytest.raises(InputError, match="No tokens are left"):
        build_context(Source("soup"), ContextRules(budget_tokens=5), len, budget_tokens=-206)
    with pytest.raises(InputError) as caught:
        check_fits(1000, 900, 1024)
    assert "lower the answer budget to 24 or less" in caught.value.fix
    with pytest.raises(InputError) as caught:
        check_fits(2000, 900, 1024)
    assert "lower" not in caught.value.fix and "-" not in caught.value.fix


def test_a_base_in_memory_is_counted_and_the_offer_goes_once_it_is_taken(deps: Deps) -> None:
    deps.engine.prepare(BASE, [], quiet)
    offer = answer_to_offer(deps, form())
    assert offer is not None and 200 < offer < 512
    assert preview(deps, form(text="")).offer == offer, "before there is a text"
    assert "which leaves none for the text" in preview(deps, form()).words
    shown = on_preview(deps, PAGE, *form_values(max_new_tokens=900))
    assert shown.fit["visible"] and f"at most {offer:,} tokens" in shown.fit["value"]
    taken = on_fit(deps, PAGE, *form_values(max_new_tokens=900))
    assert taken.max_new_tokens == offer and not taken.fit["visible"]
    assert answer_to_offer(deps, replace(form(), max_new_tokens=offer)) is None
    assert on_fit(deps, PAGE, *form_values(max_new_tokens=offer)).max_new_tokens is SAME
    assert not on_preview(deps, PAGE, *form_values(max_new_tokens=offer)).fit["visible"]


@pytest.mark.parametrize("given", [None, 0, "900", True, 10**9])
def test_what_is_no_budget_is_the_forms_to_tell(deps: Deps, given: object) -> None:
    assert answer_to_offer(deps, replace(form(), max_new_tokens=given)) is None  # pyright: ignore[reportArgumentType]


def test_a_base_that_is_not_loaded_is_reckoned_from_what_is_known_of_it(deps: Deps, tmp_path: Path) -> None:
    class Listed(Small):
        def bases(self) -> list[BaseInfo]:
            return [BaseInfo(name, name, str(tmp_path / name), 1, 1, False) for name in ("gpt", "odd", "none")]

    deps = replace(deps, engine=Listed())
    for name, config in (("gpt", '{"n_positions": 1024}'), ("odd", "[1]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(config, "utf-8")
    assert [known_context(deps, name) for name in ("gpt", "odd", "none", "owner/model")] == [1024, None, None, None]
    for base in ("gpt", "distilbert/distilgpt2"):
        offer = answer_to_offer(deps, form(base=base))
        assert offer is not None and 100 < offer < 512
        assert preview(deps, form(base=base)).offer == offer
    assert answer_to_offer(deps, form(base="owner/model")) is None


def test_a_base_with_room_has_nothing_to_offer(tmp_path: Path) -> None:
    deps = make_deps(tmp_path)
    deps.engine.prepare(BASE, [], quiet)
    assert answer_to_offer(deps, form()) is None
