"""The model card: read by the Hub's own parser, figures equal to the records, other people's names inert."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from tests.evals.made_aggregates import made, pair
from tests.evals.made_evaluation import ARMS, PACK, shared_evaluation
from training.errors import InputError
from training.evals.card import render_card, write_card
from training.evals.figures import read_aggregates

SECTIONS = ("What it is for", "What it is not for", "What it is", "Evaluation", "Release gates", "Where it fails",
            "Safety", "Deployment", "Limits", "The same figures again", "Changes")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shared_evaluation(tmp_path_factory)


def hub_data(text: str) -> Any:
    """A card's metadata as the Hub's parser reads it; its type there is a mere base class."""
    return ModelCard(text).data


def test_the_hub_reads_its_figures(folder: Path) -> None:
    data = hub_data(write_card(folder, PACK).read_text("utf-8"))
    results = {result.metric_name: result for result in data.eval_results or ()}
    figures = read_aggregates(folder)["tiers"]["strict"][ARMS[4]]
    assert data.model_name == "crumb-demo" and data.library_name == "peft"
    assert results["Ingredients: F1"].metric_value == pytest.approx(figures["f1:recipeIngredient"]["value"], abs=1e-6)
    assert results["Parses as it stands"].metric_type == "strict"
    assert {result.dataset_name for result in results.values()} == {"posts.jsonl"}
    assert {result.dataset_split for result in results.values()} == {"test"}
    assert len(results) >= 6


def test_it_answers_what_a_card_is_asked(folder: Path) -> None:
    text = render_card(folder, PACK)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == list(SECTIONS)
    assert "**It helped.**" in text and "prompted base" in text and "regular expressions" in text
    assert json.loads((folder / "manifest.json").read_text())["arms"][ARMS[4]]["adapter_sha256"] in text
    assert "An ingredient is missing" in text
    assert text == render_card(folder, PACK)


def test_another_arm_has_its_own_card(folder: Path) -> None:
    data = hub_data(render_card(folder, PACK, "prompted"))
    assert data.model_name == "prompted base" and data.library_name == "transformers"
    with pytest.raises(InputError, match="no arm 'nobody'"):
        render_card(folder, PACK, "nobody")


def test_names_of_others_are_no_markup(tmp_path: Path) -> None:
    told = made(PACK, [pair("f1:recipeIngredient", 0.6, 0.5, 0.7, 300)], {})
    evil = "x](https://evil.example) <script>| `a`\n# big"
    told["arms"] = [*told["arms"][:-1], {**told["arms"][-1], "label": evil}]
    (tmp_path / "aggregates.json").write_text(json.dumps(told))
    manifest = {"data": {"name": evil}, "arms": {"adapter:x": {"kind": "adapter", "base": evil, "base_sha256": "0"}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    text = render_card(tmp_path, PACK)
    body = text.split("---\n", 2)[2]
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)<script|://evil|\n# big", body)
    assert hub_data(text).base_model is None, "what is no Hub id is no base model for the Hub"
    rows = [line for line in body.splitlines() if line.startswith("| Ingredients: F1 |")]
    assert rows and rows[0].count(" | ") == len(told["arms"])


def test_how_it_was_trained_and_its_licence_are_on_it(tmp_path: Path) -> None:
    (tmp_path / "aggregates.json").write_text(json.dumps(made(PACK, [], {})))
    training = {"method": "lora", "rank": 64, "steps": 600, "rows": 3198, "licence": "Apache-2.0"}
    arm = {"kind": "adapter", "training": training}
    (tmp_path / "manifest.json").write_text(json.dumps({"arms": {"adapter:x": arm}}))
    text = render_card(tmp_path, PACK)
    assert hub_data(text).license == "apache-2.0"
    assert "LoRA, rank 64" in text and "600 steps" in text and "3,198 rows" in text
    arm["training"] = training | {"licence": "ask me [x](http://evil)\nfirst"}
    (tmp_path / "manifest.json").write_text(json.dumps({"arms": {"adapter:x": arm}}))
    assert hub_data(render_card(tmp_path, PACK)).license is None, "what is no identifier the Hub refuses"


def test_a_hub_base_is_named(tmp_path: Path) -> None:
    (tmp_path / "aggregates.json").write_text(json.dumps(made(PACK, [], {})))
    (tmp_path / "manifest.json").write_text(json.dumps({"arms": {"adapter:x": {"kind": "adapter", "base": "o/n-1B"}}}))
    assert hub_data(render_card(tmp_path, PACK)).base_model == "o/n-1B"
