"""Hand-written stand-ins: an engine that answers from a script, token by token, and can be cancelled.

It keeps the promises of the real one that the studio relies on: rows stream interleaved, a set cancel event or a closed
generator ends them at once, one generation at a time, every row ends with a Generation.
"""

import json
import re
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from studio.actions.form import FIELDS, Form
from studio.deps import Deps
from studio.line import Line
from studio.sessions import Sessions
from studio.settings import build_settings
from training.engine.api import AdapterInfo, BaseInfo, Delta, EngineStatus, ModelCard, Row, Stop
from training.store import Store
from training.task.pack import BUILTIN, find_packs
from training.task.records import (
    Arm,
    ArmKind,
    ArmResult,
    Comparison,
    Context,
    FinishReason,
    Generation,
    Message,
    Parsed,
    Prompt,
    Proof,
    Receipt,
    Sampling,
    Source,
    Tier,
    sha256_text,
)

BASE = "tiny"
ADAPTER = "tiny-recipes"
ARMS = (Arm(ArmKind.BASE, "base"), Arm(ArmKind.ADAPTER, ADAPTER, ADAPTER))
PROSE = "This is a lovely post about lentils. The author cooks them slowly and serves them with bread."
RECIPE = (
    '{"@context": "https://schema.org", "@type": "Recipe", "name": "Lentil Soup", '
    '"recipeIngredient": ["2 cups lentils", "1 onion", "1 pinch saffron"], '
    '"recipeInstructions": [{"@type": "HowToStep", "text": "Chop the onion."}, '
    '{"@type": "HowToStep", "text": "Simmer everything for 30 minutes."}], "totalTime": "PT30M"}'
)
POST = """# Lentil Soup for a grey day

My grandmother made this every winter, and I still do.

You need 2 cups lentils, 1 onion and patience.

Chop the onion. Simmer everything for 30 minutes. Serve warm.
"""


class FakeTokenizer:
    """Words and marks as tokens; a plain chat template."""

    chat_template = "plain"
    bos_token: str | None = None
    all_special_tokens: Sequence[str] = ()

    def apply_chat_template(self, conversation: list[dict[str, str]], **kwargs: Any) -> str:
        turns = "".join(f"<{turn['role']}>{turn['content']}\n" for turn in conversation)
        return turns + "<assistant>"

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        return [sum(map(ord, word)) % 30_000 for word in pieces(text)]


def pieces(text: str) -> list[str]:
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+$", text)


@dataclass
class FakeEngine:
    """`script` gives each arm's whole answer; `token_s` is slept before each step. `broken` is raised by `prepare`."""

    script: Mapping[ArmKind, str] = field(
        default_factory=lambda: {ArmKind.BASE: PROSE, ArmKind.PROMPTED: "{", ArmKind.ADAPTER: RECIPE}
    )
    token_s: float = 0.0
    load_s: float = 0.0
    broken: Exception | None = None
    breaks_at: int | None = None  # the step at which generate raises `broken`, instead of prepare
    base: str | None = None
    prepared: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    tokenizer: Any = field(default_factory=FakeTokenizer)

    def __post_init__(self) -> None:
        self.turn = threading.Lock()
        self.steps = 0

    def status(self) -> EngineStatus:
        state = "generating" if self.turn.locked() else "idle"
        return EngineStatus("cpu", "float32", 2 * 10**9, 16 * 10**9, self.base, (), state, 2, 0)

    def unload(self) -> None:
        self.base = None

    def bases(self) -> list[BaseInfo]:
        return [BaseInfo(BASE, "Tiny (4 M)", BASE, 4_000_000, 16_000_000, True)]

    def adapters(self, base: str) -> list[AdapterInfo]:
        if base != BASE:
            return []
        return [
            AdapterInfo(name, name, f"/adapters/{name}", BASE, 8, "recipe-jsonld", 400_000, "")
            for name in (ADAPTER, "tiny-other")
        ]

    def prepare(self, base: str, adapters: Sequence[str], progress: Callable[[str, float | None], None]) -> ModelCard:
        progress(f"loading {base}", 0.5)
        time.sleep(self.load_s)
        if self.broken and self.breaks_at is None:
            raise self.broken
        self.base = base
        self.prepared.append((base, tuple(adapters)))
        return ModelCard(base, "b" * 64, 4096, "float32", "cpu", 4_000_000)

    def count_tokens(self, text: str) -> int:
        return len(pieces(text))

    def generate(
        self, rows: Sequence[Row], sampling: Sampling, stop: Stop, cancel: threading.Event, pack: Any = None
    ) -> Iterator[Delta | Generation]:
        whole = [pieces(self.script[row.arm.kind]) for row in rows]
        words = [answer[: sampling.max_new_tokens] for answer in whole]
        with self.turn:
            written = 0
            while written < max(map(len, words)) and not cancel.is_set():
                written += 1
                if self.broken and written == self.breaks_at:
                    raise self.broken
                time.sleep(self.token_s)
                self.steps += 1
                for index, answer in enumerate(words):
                    if written <= len(answer):
                        yield Delta(index, "".join(answer[:written]), written, written * 0.01)
            for row, answer, full in zip(rows, words, whole, strict=True):
                said = answer[:written]
                reason = FinishReason.EOS if len(said) == len(full) else FinishReason.LENGTH
                if len(said) < len(answer):
                    reason = FinishReason.CANCELLED
                yield self.answer(row, "".join(said), sampling, reason)

    def answer(self, row: Row, raw: str, sampling: Sampling, reason: FinishReason) -> Generation:
        adapter, tokens = row.arm.adapter, len(pieces(raw))
        on = f"on: {adapter}" if adapter else "off"
        proof = Proof("b" * 64, "a" * 64 if adapter else None, on, 0.7 if adapter else 0.0, 0.0, True)
        if row.arm.temperature is not None:
            sampling = replace(sampling, temperature=row.arm.temperature)
        return Generation(
            row.arm, raw, reason, row.prompt.sha256, row.prompt.tokens, tokens, 0.01, 0.01 * max(1, tokens), 2,
            sampling, "cpu", "float32", proof,
        )  # fmt: skip


def make_comparison(
    comparison_id: str = "c1",
    *,
    text: str = POST,
    created: str = "2026-11-20T10:00:00+00:00",
    arms: Sequence[Arm] = ARMS,
) -> Comparison:
    """A finished comparison as the flow gives it: the base wrote prose, the others a recipe."""
    prompt = Prompt((Message("user", text),), text, (1, 2, 3), sha256_text(text))
    results: list[ArmResult] = []
    for arm in arms:
        raw = PROSE if arm.kind == ArmKind.BASE else RECIPE
        generation = FakeEngine().answer(Row(arm, prompt), raw, Sampling(), FinishReason.EOS)
        parsed = Parsed(Tier.FAILED, None) if arm.kind == ArmKind.BASE else Parsed(Tier.STRICT, json.loads(RECIPE), 1)
        results.append(ArmResult(generation, prompt, parsed, (), (), ()))
    context = Context(text, (), 40, 40, 700, True)
    return Comparison(
        comparison_id, created, "recipe-jsonld", BASE, Source(text), context, tuple(results), Receipt({"seed": 7}, {})
    )


def make_deps(home: Path, *, space: bool = False, engine: FakeEngine | None = None, **changes: Any) -> Deps:
    """The studio's bundle around a fake engine and the built-in task; `changes` replace fields of the settings."""
    flags = Namespace(host="127.0.0.1", port=None, share=False, auth=None, no_browser=True, four_bit=False)
    env = {"SPACE_ID": "me/taste", "SPACE_HOST": "me-taste.hf.space"} if space else {}
    settings = replace(build_settings(flags, home, env), **changes)
    sessions = Sessions(Store(home) if settings.keep_history else None)
    return Deps(settings, engine or FakeEngine(), find_packs(BUILTIN), sessions, Line(settings.max_waiting))


def form_values(**changes: Any) -> list[Any]:
    """What the components give, in the order of the form's fields: the post, base and adapter, everything default."""
    given = {"text": POST, "task": "recipe-jsonld", "base": BASE, "arms": ["base", f"adapter:{ADAPTER}"], **changes}
    form = Form(**given)
    return [getattr(form, name) for name in FIELDS]
