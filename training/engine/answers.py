"""Many prompts answered greedily or as the pack samples, by a base and by what was trained on it, one side at a time.

Promise: both sides read the very same prompts, in one loaded model where the adapter can run beside its base; memory
stays flat, since a batch is as large as a fixed share of it allows and nothing of it outlives the batch. An adapter
that can't share a model with its base (DoRA, or one whose change is below what a proof can see) is merged into it after
the base has answered; a fully trained model takes the base's place in memory. No answer is held to a schema, whatever
the pack's sampling says: a run's scores are to show what its weights learned.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch

from training.engine.adapter_files import CONFIG, WEIGHTS, check_adapter, read_config
from training.engine.adapters import attach
from training.engine.api import EngineSettings
from training.engine.generate import Answer, Job, decode
from training.engine.hub import BaseFiles, check_base
from training.engine.load import LoadedBase, load_base, memory_errors, release_memory
from training.engine.sides import BASE_ROW
from training.errors import AdapterError, ProofError
from training.task.pack import Pack
from training.task.records import Prompt

BASE, ADAPTER = "base", "adapter"  # the arms of a run's evaluation
_CACHE_SHARE = 0.1  # of free memory, for the keys and values of one batch
_LEAST_CACHE = 128 * 2**20
MOST_ROWS = 16


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told how far it is (arm, rows answered, rows in all), and who is asked whether to stop."""

    told: Callable[[str, int, int], None] = lambda _arm, _done, _total: None
    stop: Callable[[], bool] = lambda: False


class Stopped(Exception):
    """The watch said stop: what was answered so far is not the whole."""


@dataclass(frozen=True, slots=True)
class Arms:
    """What answers. `trained` is the folder of an adapter or of a whole model; None: the base alone.

    `ask_base` False leaves the base's side out: its answers are known already.
    """

    base: BaseFiles
    settings: EngineSettings
    trained: Path | None = None
    ask_base: bool = True


def answer_all(
    loaded: LoadedBase,
    name: str,
    prompts: Sequence[Prompt],
    pack: Pack,
    batch: int,
    watch: Watch | None = None,
) -> list[Answer]:
    """Answers of one side, in the order of `prompts`; decoded `batch` rows at a time, like lengths together.

    `name` is the adapter's inside PEFT, or BASE_ROW. Raises Stopped where the watch says so.
    """
    watch = watch or Watch()
    arm = BASE if name == BASE_ROW else ADAPTER
    marker = pack.answer.end if pack.answer.kind == "text" else ""
    order = sorted(range(len(prompts)), key=lambda i: prompts[i].tokens)
    found: dict[int, Answer] = {}
    cancel = threading.Event()
    for at in range(0, len(order), batch):
        chosen = order[at : at + batch]
        jobs = [Job(name, prompts[i].token_ids, pack.sampling, stop_json=not marker, stop_text=marker) for i in chosen]
        for event in decode(loaded, jobs, cancel):
            if isinstance(event, Answer):
                found[chosen[event.index]] = replace(event, index=chosen[event.index])
            if not cancel.is_set() and watch.stop():
                cancel.set()
        if cancel.is_set():
            raise Stopped
        watch.told(arm, len(found), len(prompts))
    return [found[i] for i in range(len(prompts))]


def answer_arms(
    arms: Arms, prompts: Sequence[Prompt], pack: Pack, watch: Watch | None = None
) -> dict[str, list[Answer]]:
    """The answers of each arm to all prompts. Raises the StudioErrors of loading, and Stopped."""
    watch = watch or Watch()
    loaded = load_base(arms.base, arms.settings, lambda *_: None)
    found: dict[str, list[Answer]] = {}
    try:
        with memory_errors("the evaluation"):
            if arms.ask_base:
                found[BASE] = answer_all(loaded, BASE_ROW, prompts, pack, batch_rows(loaded, prompts, pack), watch)
            if arms.trained is not None:
                loaded, side = _with_trained(loaded, arms, arms.trained)
                trained = Watch(lambda _arm, done, total: watch.told(ADAPTER, done, total), watch.stop)
                found[ADAPTER] = answer_all(loaded, side, prompts, pack, batch_rows(loaded, prompts, pack), trained)
    finally:
        del loaded
        release_memory()
    return found


def batch_rows(loaded: LoadedBase, prompts: Sequence[Prompt], pack: Pack) -> int:
    """Rows to decode at once, 1 to `MOST_ROWS`: their keys and values take a tenth of the memory that is free."""
    longest = max((prompt.tokens for prompt in prompts), default=0) + pack.sampling.max_new_tokens
    on_gpu = loaded.device.type == "cuda"
    free = torch.cuda.mem_get_info(loaded.device)[0] if on_gpu else psutil.virtual_memory().available
    room = max(_LEAST_CACHE, int(free * _CACHE_SHARE))
    return max(1, min(MOST_ROWS, room // max(1, longest * cache_bytes(loaded.model))))


def cache_bytes(model: Any) -> int:
    """Bytes of keys and values that one token takes in all layers, sliding and convolution layers counted as full."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    kept = getattr(config, "num_key_value_heads", None) or heads
    width = getattr(config, "head_dim", None) or config.hidden_size // heads
    return 2 * config.num_hidden_layers * kept * width * model.dtype.itemsize


def _with_trained(loaded: LoadedBase, arms: Arms, folder: Path) -> tuple[LoadedBase, str]:
    """A model in which the trained side answers, and that side's name in it."""
    if not (folder / CONFIG).is_file():
        files = check_base(arms.base.name, folder)
        loaded.model = None  # the base's memory is needed
        release_memory()
        return load_base(files, arms.settings, lambda *_: None), BASE_ROW
    if not read_config(folder.name, folder).get("use_dora"):
        try:
            return loaded, attach(loaded, check_adapter(folder.name, folder, None, None))
        except ProofError:  # too small a change for the proof: no reason to leave it unmeasured
            pass
    return merge(loaded, folder), BASE_ROW


def merge(loaded: LoadedBase, folder: Path) -> LoadedBase:
    """The base with the adapter's weights added into its own, in place. AdapterError where they do not fit."""
    import training.engine.transformers_once  # noqa: F401  (first)

    from peft import PeftModel

    if not (folder / WEIGHTS).is_file():
        raise AdapterError(f"{folder} has no {WEIGHTS}.", fix="Train it again.")
    try:
        wrapped: Any = PeftModel.from_pretrained(loaded.model, str(folder), is_trainable=False)
        loaded.model = wrapped.merge_and_unload(safe_merge=True)
    except (ValueError, RuntimeError, KeyError, TypeError) as err:
        reason = " ".join(str(err).split())[:300]
        raise AdapterError(f"{folder.name} can't be put into its base: {reason}", fix="Train it again.") from err
    loaded.model.eval()
    return loaded
