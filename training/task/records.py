"""The nouns of a comparison. Leaf module: stdlib only.

Every record is frozen, serialises with `to_json` to plain JSON types and says its units. Sizes in tokens are counted
with the loaded base's tokenizer, times are wall seconds, hashes are lower-case hex SHA-256.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, cast


def sha256_text(text: str) -> str:
    """Hex SHA-256 of the UTF-8 bytes; lone surrogates are kept by `surrogatepass`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def to_json(value: Any) -> Any:
    """A record, or a container of records, as plain dicts, lists and scalars (field order kept)."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return {str(key): to_json(item) for key, item in pairs.items()}
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return [to_json(item) for item in items]
    return cast("Any", value)


class FinishReason(StrEnum):
    """Why a generation ended. Exactly one per generation."""

    EOS = "eos"  # one of the model's own end ids
    STOP = "stop"  # a complete top-level JSON object, or the end marker of a text answer; what comes next is not known
    RAN_ON = "ran_on"  # ended behind a complete JSON object, after which the model would have written on
    LENGTH = "length"  # the token budget
    CANCELLED = "cancelled"  # the person stopped or left
    TIME_LIMIT = "time_limit"  # the run had the longest time that one may take
    ERROR = "error"  # the machinery failed


class Tier(StrEnum):
    """How much help an answer needed to become an object, best first (metrics A1)."""

    STRICT = "strict"
    EXTRACTED = "extracted"
    REPAIRED = "repaired"
    REPAIRED_TRUNCATED = "repaired_truncated"
    FAILED = "failed"


class ArmKind(StrEnum):
    BASE = "base"
    PROMPTED = "prompted"  # the base with the full schema in its prompt
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Source:
    """What a person gave, decoded to text. `kind` is text | html; `origin` is paste, a file name or a URL."""

    text: str
    kind: str = "text"
    origin: str = "paste"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A run of source text that the model was not shown. `reason` is a short machine word, such as advert or budget."""

    text: str
    reason: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Context:
    """Source text as the model sees it.

    `shown` keeps the source's order. `source_tokens` and `shown_tokens` count with the same tokenizer; `budget_tokens`
    is the most that `shown` may take. `enabled` is False where the person switched the step off (`shown` is then the
    source unchanged).
    """

    shown: str
    left_out: tuple[LeftOut, ...]
    source_tokens: int
    shown_tokens: int
    budget_tokens: int
    enabled: bool


@dataclass(frozen=True, slots=True)
class Message:
    role: str  # system | user | assistant
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Messages rendered once through the tokenizer's chat template, generation prompt included."""

    messages: tuple[Message, ...]
    text: str
    token_ids: tuple[int, ...]
    sha256: str  # of `text`

    @property
    def tokens(self) -> int:
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding settings. temperature 0 is greedy; top_k 0, top_p 1 and repetition_penalty 1 switch that filter off.

    `no_repeat_ngram` bars an answer from writing any run of that many tokens twice, 0 bars nothing: a list that repeats
    its last line for ever is broken off. It looks at the answer alone, never at the prompt; all arms have the same.
    `constrained` holds every token to the task's JSON Schema (constrained decoding): what is written can't break it,
    what is cut off at the budget is still no whole object. False for tasks whose answers are text.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 512
    seed: int = 7
    no_repeat_ngram: int = 0
    constrained: bool = False

    @property
    def greedy(self) -> bool:
        return self.temperature == 0.0


@dataclass(frozen=True, slots=True)
class Arm:
    """One column. `label` is what people read and unique in a comparison; `adapter` is a name or folder, or None.

    `temperature` overrides the sampling's for a sweep, None leaves it.
    """

    kind: ArmKind
    label: str
    adapter: str | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence that an arm was answered by the weights it names.

    Logit differences are the largest absolute ones over the probe's last position, against the pristine base
    taken before any adapter was attached. `passed` means: base arms differ by at most the tolerance (`tolerance`,
    0 in fp32), adapter arms by more.
    """

    base_sha256: str
    adapter_sha256: str | None
    adapter_state: str  # "off" or "on: NAME"
    probe_max_logit_diff: float
    tolerance: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Generation:
    """One arm's answer. `raw` is decoded from the new tokens alone, special tokens dropped.

    `prompt_tokens` and `new_tokens` count tokens; `ttft_s` is time to the first token and `gen_s` the whole time of
    this row in its batch, both in wall seconds; `batch_size` is rows decoded together.
    """

    arm: Arm
    raw: str
    finish_reason: FinishReason
    prompt_sha256: str
    prompt_tokens: int
    new_tokens: int
    ttft_s: float
    gen_s: float
    batch_size: int
    sampling: Sampling
    device: str
    dtype: str
    proof: Proof

    @property
    def tokens_per_s(self) -> float | None:
        """New tokens per wall second, None before anything was timed."""
        return self.new_tokens / self.gen_s if self.gen_s > 0 else None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What an answer counts as. `object` is None exactly when `tier` is failed.

    `n_objects` counts complete top-level objects, `prefix_chars` and `suffix_chars` the text around the first one,
    `repairs` the actions a repair logged, `repair_similarity` 0..1 between the raw text and the repaired object
    (None where nothing was repaired). `error` is the strict parser's complaint, None at tier strict. `form` is json, or
    text where the task's answers are sections of text that were read into the object.
    """

    tier: Tier
    object: dict[str, Any] | None
    n_objects: int = 0
    prefix_chars: int = 0
    suffix_chars: int = 0
    repairs: int = 0
    repair_similarity: float | None = None
    error: str | None = None
    form: str = "json"


@dataclass(frozen=True, slots=True)
class SchemaError:
    """One violation. `field`: the top-level key or ""; `kind`: missing, type, enum, pattern, range, extra or other."""

    field: str
    kind: str
    path: str  # JSON pointer, "" is the root
    message: str


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one answer. `value` None with status scored means not applicable.

    status: scored | unscored (the instrument gave no verdict) | error (machinery). `n` is the denominator behind the
    value (items, slots), `explanation` one sentence for people.
    """

    metric: str
    value: float | None
    field: str = ""
    status: str = "scored"
    n: int | None = None
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One leaf of an answer and where it stands in the source.

    `field` is the top-level key, `index` its place in a list (0 for scalars). `supported` None: not checkable.
    `spans` are [start, end) character offsets into the source text shown to the person.
    """

    field: str
    index: int
    text: str
    supported: bool | None
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ArmResult:
    """Everything known of one column."""

    generation: Generation
    prompt: Prompt
    parsed: Parsed
    schema_errors: tuple[SchemaError, ...]
    scores: tuple[Score, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was equal across arms. `equal` and `differs` hold setting -> value, and setting -> {arm label: value}."""

    equal: Mapping[str, Any]
    differs: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One whole comparison, kept. `created` is ISO 8601 UTC; `gold` the known right answer or None."""

    id: str
    created: str
    task: str
    base: str
    source: Source
    context: Context
    arms: tuple[ArmResult, ...]
    receipt: Receipt
    gold: dict[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
