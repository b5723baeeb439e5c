"""Short ways to ask an engine in tests."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.engine.api import Delta, EngineSettings, Row
from training.engine.engine import Engine
from training.engine.turn import Turnstile
from training.task.records import Arm, ArmKind, Generation, Prompt, Sampling, sha256_text

GREEDY = Sampling(max_new_tokens=24)


def quiet(_text: str, _fraction: float | None) -> None:
    """No progress wanted."""


def engine_for(root: Path, **settings: Any) -> Engine:
    """An engine over `root`/models and `root`/adapters with a turn of its own."""
    return Engine(EngineSettings(models=root / "models", adapters=root / "adapters", **settings), Turnstile())


def prompt_of(tokenizer: Any, text: str) -> Prompt:
    turns = [{"role": "user", "content": text}]
    rendered = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = tuple(tokenizer.encode(rendered, add_special_tokens=False))
    return Prompt((), rendered, ids, sha256_text(rendered))


def row(engine: Engine, text: str = "hello", adapter: str | None = None, **arm: Any) -> Row:
    kind = ArmKind.BASE if adapter is None else ArmKind.ADAPTER
    return Row(Arm(kind, adapter or "base", adapter, **arm), prompt_of(engine.tokenizer, text))


def events(
    engine: Engine, rows: Sequence[Row], sampling: Sampling = GREEDY, stop: Any = None
) -> list[Delta | Generation]:
    return list(engine.generate(rows, sampling, stop, threading.Event()))


def answers(engine: Engine, rows: Sequence[Row], sampling: Sampling = GREEDY, stop: Any = None) -> list[Generation]:
    return [event for event in events(engine, rows, sampling, stop) if isinstance(event, Generation)]
