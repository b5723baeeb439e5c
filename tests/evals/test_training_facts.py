"""What stands beside an adapter becomes lines for the card; what is of another kind than it should be does not."""

import json
from pathlib import Path

import pytest

from training.evals.training_facts import training_facts, training_lines

ADAPTERS = Path(__file__).resolve().parents[2] / "assets" / "adapters"


@pytest.mark.parametrize("name", sorted(path.name for path in ADAPTERS.iterdir()))
def test_every_adapter_that_ships_says_how_it_was_made(name: str) -> None:
    facts = training_facts(ADAPTERS / name)
    assert facts["method"] == "lora" and facts["rank"] == 64 and facts["rows"] > 1000 and facts["steps"] > 100
    assert facts["licence"] == "Apache-2.0" and all(part["licence"] for part in facts["data"])
    told = "\n".join(training_lines(facts))
    assert "LoRA, rank 64" in told and "Licence: Apache-2.0." in told and f"{facts['rows']:,} rows" in told


def test_a_run_of_a_persons_own_has_them_on_top(tmp_path: Path) -> None:
    config = {"method": "lora", "rank": 8, "learning_rate": 0.001, "dataset": "/home/me/rows", "seed": 3}
    about = {"config": config, "rows": {"used": 40}, "result": {"steps": 5}}
    (tmp_path / "provenance.json").write_text(json.dumps(about), "utf-8")
    assert training_facts(tmp_path) == {
        "method": "lora", "dataset": "rows", "rank": 8, "learning_rate": 0.001, "seed": 3, "steps": 5, "rows": 40,
    }  # fmt: skip


def test_of_an_adapter_made_elsewhere_the_config_is_what_is_known(tmp_path: Path) -> None:
    assert training_facts(tmp_path) == {} and training_lines({}) == []
    config = {"peft_type": "LORA", "r": 16, "lora_alpha": 32, "target_modules": ["v_proj", "q_proj"]}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    assert training_lines(training_facts(tmp_path)) == ["Trained with LoRA, rank 16, alpha 32, on q_proj, v_proj."]


@pytest.mark.parametrize(
    "text", ["[]", "no json", '{"config": {"rank": "x", "learning_rate": [1]}, "data": [1], "run": 3}']
)
def test_other_peoples_files_break_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "provenance.json").write_text(text, "utf-8")
    assert training_lines(training_facts(tmp_path)) == []
