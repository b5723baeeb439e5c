"""What the sidebar offers: an adapter only where it belongs to the base and to the task."""

from pathlib import Path

from studio.guard import Visit
from studio.queries.choices import arm_choices, base_choices, default_arms, default_task, size_words
from studio.tabs.compare import on_base, on_task
from tests.fakes import ADAPTER, BASE, make_deps
from training.engine.api import BaseInfo

PAGE = Visit("page", {})


def test_an_adapter_is_offered_for_its_own_task_alone(tmp_path: Path) -> None:
    deps = make_deps(tmp_path)
    assert default_task(deps) == "recipe-jsonld"
    own = arm_choices(deps, BASE, "recipe-jsonld")
    assert f"adapter:{ADAPTER}" in [value for _, value in own]
    assert default_arms(own) == ["base", f"adapter:{ADAPTER}"]
    other = arm_choices(deps, BASE, "news-metadata")
    assert [value for _, value in other] == ["base", "prompted"]
    assert default_arms(other) == ["base", "prompted"]


def test_a_base_says_how_large_it_is_before_it_is_chosen(tmp_path: Path) -> None:
    deps = make_deps(tmp_path)
    assert base_choices(deps) == [("Tiny (4 M), 16 MB", BASE)]
    assert size_words(BaseInfo("a/b", "B", "a/b", 1_720_000_000, None, False)) == "about 3.4 GB to fetch once"
    assert size_words(BaseInfo("a/b", "B", "a/b", 82_000_000, None, False)) == "about 164 MB to fetch once"
    assert size_words(BaseInfo("a/b", "B", "a/b", None, None, False)) == ""


def test_another_task_brings_its_examples_adapters_and_sampling(tmp_path: Path) -> None:
    deps = make_deps(tmp_path)
    recipe, news = (on_task(deps, PAGE, task, BASE) for task in ("recipe-jsonld", "news-metadata"))
    assert recipe.examples["samples"] != news.examples["samples"]
    assert news.arms["value"] == ["base", "prompted"]
    sampling = deps.packs["news-metadata"].sampling
    assert (news.max_new_tokens, news.temperature, news.seed) == (
        sampling.max_new_tokens, sampling.temperature, sampling.seed
    )  # fmt: skip
    assert (news.constrained["value"], news.constrained["visible"]) == (True, True)
    text = on_task(deps, PAGE, "recipe-writer", BASE).constrained
    assert (text["value"], text["visible"]) == (False, False), "text has no schema to be held to"
    assert on_base(deps, PAGE, BASE, "news-metadata").arms["value"] == ["base", "prompted"]
