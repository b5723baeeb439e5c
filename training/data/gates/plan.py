"""What the gates are told: one frozen record, each threshold with its unit, its default stated once and its off-value.

Built from a dataset's spec by the build. A threshold out of range is a DataError when the plan is made, not a surprise
in the middle of a run.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from training.chat.cost import Spending
from training.data.rows import DataRow
from training.errors import DataError
from training.task.pack import Pack

CountTokens = Callable[[str], int]
Policy = Literal["off", "find", "mask", "refuse"]
Check = Literal["off", "find", "refuse"]
DIMENSIONS = ("realism", "correctness", "format", "difficulty", "diversity", "learnability", "safety")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge thinks of a row. `scores` by dimension, 1..5; None where it gave none, and `reason` says why.

    `rejects`: it would not have the row, whatever its scores. `fixed_row` is the one that it would have in its place,
    as {"source", "gold"}: a proposal to a person. `spending` is what was used so far, None for a judge that costs
    nothing.
    """

    scores: Mapping[str, int] | None
    reason: str = ""
    rejects: bool = False
    fixed_row: Mapping[str, Any] | None = None
    spending: Spending | None = None


Judge = Callable[[Sequence[DataRow]], Iterable[Opinion]]  # an opinion for each row, in their order


@dataclass(frozen=True, slots=True)
class Trivial:
    """What counts as too little. Words; `distinct_share` is different words over all words, read from 40 words on."""

    source_words: int = 4  # of a text answer's source (a dish name) one word is enough
    answer_words: int = 6  # of a text answer; a JSON answer is judged by its contract
    distinct_share: float = 0.15


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of the target model. `prompt`: the rendered turns; `answer`: as trained on, without the end token."""

    prompt_tokens: int | None = None  # None: no limit of its own
    answer_tokens: int | None = None  # None: the pack's max_new_tokens
    context_tokens: int | None = None  # None: unknown, so prompt and answer together are not checked
    template_tokens: int = 16  # what a chat template and the end token add to system, user and answer


@dataclass(frozen=True, slots=True)
class Quotas:
    """Largest share (0..1) of the kept rows that one value may hold; None: no quota. Up to `least_rows` always may."""

    style: float | None = None
    slice: float | None = None
    group: float | None = 0.2
    opening: float | None = 0.3  # the source's first words
    opening_words: int = 3
    least_rows: int = 20


@dataclass(frozen=True, slots=True)
class Supported:
    """Is each thing the gold says in the source. `free_fields` are the model's own words and are not looked up."""

    policy: Check = "refuse"
    free_fields: tuple[str, ...] = ()
    max_unsupported: int = 0  # items a row may say that its source does not


@dataclass(frozen=True, slots=True)
class Rubric:
    """A judge and the acceptance rule over its seven scores of 1-5. `unscored`: what happens where it gave none.

    A row that the judge itself rejects is refused whatever its scores.
    """

    judge: Judge
    least_total: int = 26  # of 35
    least_correctness: int = 4
    least_format: int = 5
    least_safety: int = 4
    unscored: Literal["refuse", "keep"] = "refuse"


@dataclass(frozen=True, slots=True, eq=False)
class GatePlan:
    """All gates of one build. Every gate but the first three can be switched off by the value its line names.

    Compared and hashed by identity, so that a gate may prepare what it needs of a plan once.
    """

    pack: Pack
    count_tokens: CountTokens | None = None  # None: lengths are not checked
    lengths: Lengths = field(default_factory=Lengths)
    instructions: tuple[str, ...] = ()  # prompts that made the rows, the teacher's; the pack's own are always known
    hostile_slices: tuple[str, ...] = (
        "orders",
        "schema_temptation",
    )  # may quote instructions and templates: their point
    leaked: bool = True
    trivial: Trivial | None = field(default_factory=Trivial)
    similarity: float = 0.85  # Jaccard of word runs from which two rows are near-duplicates, and may contradict
    duplicates: bool = True
    consistency: bool = True
    number_tolerance: float = 2.0  # how far two golds of like texts may differ in a number they both state
    quotas: Quotas | None = field(default_factory=Quotas)
    eval_rows: tuple[DataRow, ...] = ()  # (): nothing to protect
    eval_similarity: float = 0.7
    personal: Policy = "mask"  # e-mail addresses and phone numbers
    secrets: Policy = "mask"  # keys, tokens, passwords, card numbers
    supported: Supported = field(default_factory=Supported)
    licence_known: bool = True
    licences: tuple[str, ...] | None = None  # None: any that is known
    rubric: Rubric | None = None

    def __post_init__(self) -> None:
        for name in ("similarity", "eval_similarity"):
            _within(name, getattr(self, name), 0.1, 1.0)
        _within("number_tolerance", self.number_tolerance, 0.0, float("inf"))
        for name in ("personal", "secrets"):
            _one_of(name, getattr(self, name), get_args(Policy))
        _one_of("supported.policy", self.supported.policy, get_args(Check))
        _within("supported.max_unsupported", self.supported.max_unsupported, 0, float("inf"))
        self._check_quotas()
        if self.trivial:
            _within("trivial.source_words", self.trivial.source_words, 0, float("inf"))
            _within("trivial.answer_words", self.trivial.answer_words, 0, float("inf"))
            _within("trivial.distinct_share", self.trivial.distinct_share, 0.0, 1.0)
        if self.rubric:
            _within("rubric.least_total", self.rubric.least_total, len(DIMENSIONS), 5 * len(DIMENSIONS))
            for name in ("least_correctness", "least_format", "least_safety"):
                _within(f"rubric.{name}", getattr(self.rubric, name), 1, 5)
        for name in ("prompt_tokens", "answer_tokens", "context_tokens"):
            if (limit := getattr(self.lengths, name)) is not None:
                _within(f"lengths.{name}", limit, 1, float("inf"))
        _within("lengths.template_tokens", self.lengths.template_tokens, 0, float("inf"))

    def _check_quotas(self) -> None:
        if self.quotas is None:
            return
        for name in ("style", "slice", "group", "opening"):
            if (share := getattr(self.quotas, name)) is not None:
                _within(f"quotas.{name}", share, 0.0001, 1.0)
        _within("quotas.opening_words", self.quotas.opening_words, 1, float("inf"))
        _within("quotas.least_rows", self.quotas.least_rows, 1, float("inf"))


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        limits = f"from {least:g}" if most == float("inf") else f"from {least:g} to {most:g}"
        raise DataError(f"The gates' {name} is {value}, which no row could be held against.", fix=f"Give it {limits}.")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(f"The gates' {name} is {value!r}, which is no policy.", fix=f"Choose {', '.join(allowed)}.")
