"""Hand-written stand-ins: an engine that answers from a script, token by token, and can be cancelled.

It keeps the promises of the real one that the studio relies on: rows stream interleaved, a set cancel event or a closed
generator ends them at once, one generation at a time, every row ends with a Generation.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from training.engine.api import AdapterInfo, BaseInfo, Delta, EngineStatus, ModelCard, Row
from training.task.records import ArmKind, FinishReason, Generation, Proof, Sampling

BASE = "tiny"
ADAPTER = "tiny-recipes"
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
        self, rows: Sequence[Row], sampling: Sampling, stop: Literal["json"] | None, cancel: threading.Event
    ) -> Iterator[Delta | Generation]:
        answers = [pieces(self.script[row.arm.kind])[: sampling.max_new_tokens] for row in rows]
        with self.turn:
            for step in range(1, max(map(len, answers)) + 1):
                if cancel.is_set():
                    break
                if self.broken and step == self.breaks_at:
                    raise self.broken
                time.sleep(self.token_s)
                self.steps += 1
                for index, words in enumerate(answers):
                    if step <= len(words):
                        yield Delta(index, "".join(words[:step]), step, step * 0.01)
            else:
                step = None
            for index, (row, words) in enumerate(zip(rows, answers, strict=True)):
                yield self._generation(row, words if step is None else words[: step - 1], sampling, step, index)

    def _generation(self, row: Row, words: list[str], sampling: Sampling, cut_at: int | None, index: int) -> Generation:
        whole = pieces(self.script[row.arm.kind])
        reason = FinishReason.EOS
        if cut_at is not None and len(words) < len(whole):
            reason = FinishReason.CANCELLED
        elif len(words) < len(whole):
            reason = FinishReason.LENGTH
        adapter = row.arm.adapter
        on = f"on: {adapter}" if adapter else "off"
        proof = Proof("b" * 64, "a" * 64 if adapter else None, on, 0.7 if adapter else 0.0, 0.0, True)
        used = replace(
            sampling, temperature=sampling.temperature if row.arm.temperature is None else row.arm.temperature
        )
        return Generation(
            arm=row.arm, raw="".join(words), finish_reason=reason, prompt_sha256=row.prompt.sha256,
            prompt_tokens=row.prompt.tokens, new_tokens=len(words), ttft_s=0.01, gen_s=0.01 * max(1, len(words)),
            batch_size=2, sampling=used, device="cpu", dtype="float32", proof=proof,
        )  # fmt: skip
