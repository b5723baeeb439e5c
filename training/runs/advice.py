"""What to change when a run failed, or learns badly: the changed values, and what each would do. No torch.

Promise: every change is a value that `training.runs.checks` accepts together with the rest, and never one the config
has already. Limits: what a change would save is reckoned from the settings, not measured on this machine; what suits
the rows' lengths is said only where they are given.
"""

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

from training.errors import (
    AdapterError,
    BusyError,
    DataError,
    FetchError,
    InputError,
    ModelError,
    OutOfMemoryError,
    PackError,
    StorageError,
)  # fmt: skip
from training.runs.checks import ConfigError, problems
from training.runs.config import FIELDS, RunConfig
from training.runs.records import Advice

OUT_OF_MEMORY, DATA, DOWNLOAD, NOT_A_NUMBER = "out_of_memory", "data", "download", "not_a_number"
KILLED, DISK, CONFIG, BUSY, BUG = "killed", "disk", "config", "busy", "bug"
KINDS = (OUT_OF_MEMORY, DATA, DOWNLOAD, NOT_A_NUMBER, KILLED, DISK, CONFIG, BUSY, BUG)

_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|cannot allocate memory", re.IGNORECASE)
_NAN = re.compile(r"\bnan\b|not a number|no finite|non-finite", re.IGNORECASE)
_SETTING = re.compile(rf"(?:{'|'.join(FIELDS)}) (?:is|names|comes to) ")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NETWORK = ("huggingface_hub", "httpx", "requests", "urllib3", "socket", "ssl")  # whose errors mean: out of reach


def kind_of(error: BaseException) -> str:
    """One of KINDS, told by the error and by what it came from; what nobody foresaw is "bug"."""
    chain = list(_chain(error))
    for test, kind in _TESTS:
        if any(test(link) for link in chain):
            return kind
    return BUG


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _is_memory(error: BaseException) -> bool:
    named = type(error).__name__ in ("OutOfMemoryError", "AcceleratorError")
    told = isinstance(error, RuntimeError | OSError) and _MEMORY.search(str(error))
    return isinstance(error, MemoryError | OutOfMemoryError) or bool(_MEMORY.search(str(error)) if named else told)


def _is_full(error: BaseException) -> bool:
    return isinstance(error, StorageError) or (isinstance(error, OSError) and error.errno in _FULL)


def _is_nan(error: BaseException) -> bool:
    told = not isinstance(error, InputError) and bool(_NAN.search(str(error)))
    return isinstance(error, FloatingPointError) or told


def _is_config(error: BaseException) -> bool:
    """Settings by themselves, or one that this machine can't do: the message then begins with the field's name."""
    return isinstance(error, ConfigError) or (isinstance(error, InputError) and bool(_SETTING.match(str(error))))


def _is_network(error: BaseException) -> bool:
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, FetchError | ConnectionError | TimeoutError) or module in _NETWORK


_TESTS: tuple[tuple[Callable[[BaseException], bool], str], ...] = (
    (_is_memory, OUT_OF_MEMORY),
    (_is_full, DISK),
    (_is_config, CONFIG),
    (lambda error: isinstance(error, DataError | PackError | InputError), DATA),
    (_is_network, DOWNLOAD),
    (_is_nan, NOT_A_NUMBER),
    (lambda error: isinstance(error, ModelError | AdapterError), CONFIG),
    (lambda error: isinstance(error, KeyboardInterrupt | SystemExit), KILLED),
    (lambda error: isinstance(error, BusyError), BUSY),
)


def advice(kind: str, config: RunConfig, *, longest: int | None = None, gpu: bool | None = None) -> tuple[Advice, ...]:
    """What to try after a failure of that kind, most worth first; "" is a process that ended without a word.

    `longest` is the length in tokens that 95 of 100 rows stay within, where the preflight counted it; `gpu` says
    whether there is an NVIDIA GPU, None looks for its driver: without one, what only a GPU can do is left out.
    """
    has_gpu = shutil.which("nvidia-smi") is not None if gpu is None else gpu
    found = _ADVICE[kind or KILLED](config, longest, has_gpu)
    return tuple(item for item in found if usable(item, config))


def usable(item: Advice, config: RunConfig) -> bool:
    """Whether it can be followed: words alone always, changes where they change something and bring no new problem."""
    if not item.changes:
        return True
    after = replace(config, **item.changes)
    return after != config and set(problems(after)) <= set(problems(config))


def _memory(config: RunConfig, longest: int | None, gpu: bool) -> Iterator[Advice]:
    batch, times = config.batch_size, config.grad_accumulation
    if batch > 1:
        half = batch // 2
        changes = {"batch_size": half, "grad_accumulation": -(-batch * times // half)}
        yield Advice(
            f"Halve batch_size to {half} and raise grad_accumulation to {changes['grad_accumulation']}: a step learns "
            "from as many rows as before, and what is kept for each row in memory takes about half.",
            changes,
        )
    if not config.gradient_checkpointing:
        yield Advice(
            "Set gradient_checkpointing: what the layers computed is computed again in place of kept, which leaves "
            "little of it in memory; the numbers are the same, a step takes about a third longer.",
            {"gradient_checkpointing": True},
        )
    yield from _shorter(config, longest)
    if config.method == "full":
        yield Advice(
            "Use method lora: optimizer and gradients are kept for the adapter alone, about one part in fifty.",
            {"method": "lora"},
        )
        if gpu and "8bit" not in config.optimizer:
            yield Advice(
                "Use optimizer paged_adamw_8bit: what it remembers takes 2 bytes a weight in place of 8. Needs "
                "bitsandbytes.",
                {"optimizer": "paged_adamw_8bit"},
            )
    if gpu and config.method in ("lora", "rslora", "dora"):
        yield Advice(
            "Use method qlora: the base's weights take about a quarter of what they take in 16 bits. Needs an NVIDIA "
            "GPU and bitsandbytes.",
            {"method": "qlora"},
        )
    if config.method != "full" and config.rank > 16:
        less = max(16, config.rank // 4)
        changes = {"rank": less, "alpha": max(1, config.alpha * less // config.rank)}
        yield Advice(
            f"Lower rank to {less}, alpha to {changes['alpha']}: the adapter and its optimizer take "
            f"{_saved(less, config.rank)} less. Little beside the rows, and it takes in less.",
            changes,
        )
    yield Advice("Close what else uses the memory; on a GPU, see what nvidia-smi lists.")


def _shorter(config: RunConfig, longest: int | None) -> Iterator[Advice]:
    shorter = longest if longest is not None and longest < config.max_length else None
    if shorter is not None:
        yield Advice(
            f"Lower max_length to {shorter} and leave longer rows out: 95 of 100 rows stay, and the longest batch "
            f"takes {_saved(shorter, config.max_length)} less per row.",
            {"max_length": shorter, "too_long": "drop"},
        )
    elif longest is None and config.max_length > 512:
        half = config.max_length // 2
        yield Advice(
            f"Lower max_length to {half} and leave longer rows out: where rows are that long, the longest batch takes "
            "about half. The preflight says how many rows that costs.",
            {"max_length": half, "too_long": "drop"},
        )


def _saved(after: int, before: int) -> str:
    return f"{1 - after / before:.0%}"


def _not_a_number(config: RunConfig, _: int | None, __: bool) -> Iterator[Advice]:
    slower = float(f"{config.learning_rate / 5:.2g}")
    yield Advice(
        f"Lower learning_rate five times, to {slower:g}: too large a step is the usual reason.",
        {"learning_rate": slower},
    )
    if not config.max_grad_norm or config.max_grad_norm > 1:
        yield Advice("Set max_grad_norm to 1: a single wild batch can then move the weights only so far.",
                     {"max_grad_norm": 1.0})  # fmt: skip
    if config.dtype == "fp16":
        wide = "auto" if config.four_bit else "fp32"  # auto: bf16 where the card has it
        yield Advice(f"Use dtype {wide}: fp16 overflows where bf16 and fp32 do not.", {"dtype": wide})
    if config.warmup < 0.1:
        rises = {"schedule": "constant_with_warmup"} if config.schedule == "constant" else {}
        yield Advice("Warm up for a tenth of the run: the first steps, when gradients are largest, become smaller.",
                     {**rises, "warmup": 0.1})  # fmt: skip


def _data(config: RunConfig, longest: int | None, _: bool) -> Iterator[Advice]:
    yield Advice("Open the version in the Data tab and look at the row that the message names.")
    if longest is not None and longest > config.max_length:
        yield Advice(f"Raise max_length to {longest}: 95 of 100 rows fit then.", {"max_length": longest})
    if config.too_long == "error":
        yield Advice("Set too_long to drop: rows that do not fit are left out and counted.", {"too_long": "drop"})


def _download(config: RunConfig, _: int | None, __: bool) -> Iterator[Advice]:
    yield Advice("Check the connection and the base's name; a gated base needs its terms accepted and a login.")
    if config.base != "crumb":
        yield Advice(
            "Use the embedded base, which needs no network, to see that all else works.",
            {"base": "crumb", "revision": ""},
        )


def _killed(config: RunConfig, longest: int | None, gpu: bool) -> Iterator[Advice]:
    yield Advice("Resume it: it goes on from its last checkpoint.")
    if not config.save_steps:
        yield Advice("Save every 25 steps, so that there is something to go on from.", {"save_steps": 25})
    yield Advice("Where the system ends processes for want of memory, its log says so; then these help as well:")
    yield from _memory(config, longest, gpu)


def _disk(config: RunConfig, _: int | None, __: bool) -> Iterator[Advice]:
    yield Advice("Free space or move the home to a larger disk; the last whole checkpoint is kept. Then resume.")
    yield Advice("Delete runs that you no longer need: each keeps its checkpoints.")
    if config.method == "full":
        yield Advice("Use method lora: a checkpoint holds the adapter alone.", {"method": "lora"})


def _config(_: RunConfig, __: int | None, ___: bool) -> Iterator[Advice]:
    yield Advice("Change the field that the message names, and start a copy of this run with that change.")


def _busy(_: RunConfig, __: int | None, ___: bool) -> Iterator[Advice]:
    yield Advice("Close what the message names, or wait until it is done; then resume: the settings are sound.")


def _bug(_: RunConfig, __: int | None, ___: bool) -> Iterator[Advice]:
    yield Advice("This was not foreseen. The log has the trace: please report it with the config.")


_ADVICE = {
    OUT_OF_MEMORY: _memory, DATA: _data, DOWNLOAD: _download, NOT_A_NUMBER: _not_a_number,
    KILLED: _killed, DISK: _disk, CONFIG: _config, BUSY: _busy, BUG: _bug,
}  # fmt: skip
