"""The model that ships, asked by the engine itself: its sides are proven, and it answers as it was taught."""

import threading

from tests.engine.rows import quiet
from training.compare import Done, Request, run
from training.engine.api import ASSETS, EngineSettings
from training.engine.engine import Engine
from training.engine.hub import EMBEDDED
from training.engine.turn import Turnstile
from training.task.pack import BUILTIN, load_pack
from training.task.records import Arm, ArmKind, Source, Tier

ADAPTER = "crumb-recipe-jsonld"
POST = """# Ginger tea

Serves 2. Takes 10 minutes.

Ingredients
- 2 cups water
- 1 tbsp grated ginger
- 1 tsp honey

Steps
1. Bring the water to the boil.
2. Add the ginger and simmer for 5 minutes.
3. Strain and stir in the honey.
"""


def test_the_shipped_base_and_its_adapter_are_proven_and_the_adapter_reads_a_post() -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    engine = Engine(EngineSettings(hub="none"), Turnstile())
    card = engine.prepare(EMBEDDED, [ADAPTER], quiet)
    assert card.base == EMBEDDED and (ASSETS / "models" / EMBEDDED).is_dir()
    arms = (Arm(ArmKind.BASE, "base"), Arm(ArmKind.ADAPTER, ADAPTER, ADAPTER))
    *_, last = run(Request(pack, EMBEDDED, Source(POST), arms, pack.sampling), engine, threading.Event())
    assert isinstance(last, Done)
    base, tuned = last.comparison.arms
    assert base.generation.proof.passed and base.generation.proof.adapter_state == "off"
    assert base.generation.proof.probe_max_logit_diff == 0.0
    assert tuned.generation.proof.passed and tuned.generation.proof.probe_max_logit_diff > 0.1
    assert tuned.parsed.tier is Tier.STRICT and not tuned.schema_errors
    answer = tuned.parsed.object or {}
    assert answer["name"] == "Ginger tea"
    assert answer["recipeIngredient"] == ["2 cups water", "1 tbsp grated ginger", "1 tsp honey"]
    assert len(answer["recipeInstructions"]) == 3
    assert all(item.supported is not False for item in tuned.items)
