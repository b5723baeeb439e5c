"""The nouns of an evaluation: what is asked, who answers, what is kept. Leaf module, no torch.

An evaluation is a folder, complete on its own:

    job.json          what was asked (`EvalJob`)
    status.json       how it stands (`EvalStatus`); process.json, log.txt and cancel beside it while it works
    rows.jsonl        the documents, as they were evaluated
    answers.jsonl     one line an answer (`Answered`), appended as it comes: a stopped evaluation goes on from here
    asked.json        what each model's answers depend on, and what was learnt while it answered
    latency.jsonl     answers given one at a time, for their times; noise.jsonl some in another batch size;
                      bits.jsonl what the right answers take; leaks.json the leak report of the dataset version
    gen.parquet       one row an answer: tier, finish, tokens, times, its error cluster
    scores.parquet    one row a figure of an answer: tier, field, metric, value, n, status
    items.parquet     one row a leaf of an answer or of a gold: its pair, outcome and grounding
    judge.parquet     one row a verdict; no rows where no judge was asked
    aggregates.json   every figure, pair and chart table that a page shows, so that no page reads the frames whole
    manifest.json     hashes of data, prompts, models and decoding; versions; seeds; the noise floor
    summary.json      the figures of the strict tier, for other programs
    report.html, card.md
"""

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from training.errors import InputError
from training.task.records import Sampling

if TYPE_CHECKING:
    from training.task.pack import Pack

TIERS = ("strict", "usable", "repaired")  # the help that counts; strict is the headline
TRIVIAL = ("empty", "constant", "echo", "regex")
BASES = ("base", "base+constrained", "prompted", "shots", "constrained")
JOB, STATUS, ROWS, ANSWERS = "job.json", "status.json", "rows.jsonl", "answers.jsonl"
GEN, SCORES, ITEMS, JUDGE = "gen.parquet", "scores.parquet", "items.parquet", "judge.parquet"
AGGREGATES, MANIFEST, SUMMARY, REPORT, CARD = (
    "aggregates.json", "manifest.json", "summary.json", "report.html", "card.md",
)  # fmt: skip
UNDER_WAY = ("queued", "running")

ArmKind = Literal["trivial", "base", "adapter", "endpoint", "imported"]
_HEATED = re.compile(r"(base.*|prompted|shots|constrained|adapter.*)@(\d+(?:\.\d+)?)")
DRAWN = ("base", "adapter")  # kinds of arms that may have a temperature of their own
MOST_HEAT = 2.0  # the highest temperature that is taken
_NAMED = re.compile(r"(adapter|adapter\+constrained|endpoint|imported):(\S(?:.*\S)?)")


@dataclass(frozen=True, slots=True)
class EvalArm:
    """One arm. `name` is how the command line, the frames and every chart call it, unique in an evaluation.

    empty, constant, echo, regex   need no model: nothing, the same answer always, the prompt's template, patterns
    base                           the base with the prompt that training uses
    base+constrained               the same, every token held to the schema
    prompted                       the base with the whole schema in its prompt
    shots                          prompted, after three worked examples from the training rows
    constrained                    prompted, every token held to the schema
    adapter:NAME                   base and adapter with the prompt that training uses
    adapter+constrained:NAME       the same, every token held to the schema
    endpoint:MODEL                 a larger model behind an OpenAI-compatible address, prompted
    imported:NAME                  answers that were made elsewhere

    `adapter` is the adapter's name or folder, else None; `prompted` says which of the pack's two prompts is rendered.
    A base or an adapter may have a temperature of its own, adapter:NAME@0.7; None is the evaluation's.
    """

    name: str
    kind: ArmKind
    adapter: str | None = None
    prompted: bool = False
    shots: int = 0
    constrained: bool = False
    temperature: float | None = None

    @property
    def without_heat(self) -> str:
        """The arm's name without a temperature of its own."""
        return self.name if self.temperature is None else self.name.rpartition("@")[0]


def read_arm(name: str) -> EvalArm:
    """An arm by its name. InputError for a name that is none."""
    name = name.strip()
    if (heated := _HEATED.fullmatch(name)) is not None:
        arm, heat = read_arm(heated[1]), float(heated[2])
        if heat > MOST_HEAT:
            raise InputError(f"The temperature of {name!r} is {heat:g}.", fix=f"Choose one from 0 to {MOST_HEAT:g}.")
        return replace(arm, name=f"{arm.name}@{heat:g}", temperature=heat)
    if name in TRIVIAL:
        return EvalArm(name, "trivial")
    if name in BASES:
        prompted = not name.startswith("base")
        return EvalArm(name, "base", None, prompted, 3 if name == "shots" else 0, name.endswith("constrained"))
    if (found := _NAMED.fullmatch(name)) is None:
        known = ", ".join(
            (*TRIVIAL, *BASES, "adapter:NAME", "adapter+constrained:NAME", "adapter:NAME@0.7", "endpoint:MODEL")
        )
        raise InputError(f"There is no arm {name!r}.", fix=f"Use some of: {known}.")
    kind, what = found.groups()
    if kind == "endpoint":
        return EvalArm(name, "endpoint", prompted=True)
    if kind == "imported":
        return EvalArm(name, "imported")
    return EvalArm(name, "adapter", what, constrained=kind != "adapter")


@dataclass(frozen=True, slots=True)
class EvalRow:
    """A document. `gold` {} means that no answer is right, None that nobody knows.

    `group` is what documents share that are not independent: the recipe, the newsletter's issue; "" stands alone.
    `supported` gives by field the texts that a person found supported by the source; where a field stands in it, that
    list decides instead of the lexical rule. `part` is test, golden or adversarial where the row's version says so.
    """

    id: str
    source: str
    gold: dict[str, Any] | None
    group: str = ""
    slice: str = ""
    style: str = ""
    part: str = ""
    kind: str = "text"
    supported: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


LATENCY_ROWS = 20  # documents that are answered one by one where nobody says how many
TIMED = 59  # the fewest of which the slowest bounds what 95 % of all take, 95 times in 100: 0.95 ** 59 < 0.05


@dataclass(frozen=True, slots=True)
class EvalJob:
    """What an evaluation asks. `data` is a JSONL file or a dataset version; of a version `part` is asked.

    `limit` 0 takes every row. `samples` answers each document that often, with the seeds seed, seed + 1, ...
    `predictions` is a JSONL of answers made elsewhere, "" for none. `base` "" is the one that the adapters name, else
    the embedded one. `latency_rows` documents are answered once more one by one, for their times; `noise_rows` once
    more in another batch size, for the noise floor; 0 leaves either out. `sampling` None is the pack's own.
    `batch_size` is the same for every arm. `endpoint` is the address of an endpoint arm, "" from the environment;
    `price_in` and `price_out` are money for a million of its tokens (None: unknown, and so is the cost), `max_cost` and
    `max_calls` the most that each endpoint arm may take. `trained_on` is what the tuned arm has learned from, a JSONL
    of documents or a dataset version: the leak report is made against it; "" is a version's own report, of a file none.
    """

    task: str
    data: str
    arms: tuple[str, ...] = ()
    base: str = ""
    part: str = "test"
    predictions: str = ""
    limit: int = 0
    samples: int = 1
    sampling: Sampling | None = None
    batch_size: int = 8
    latency_rows: int = LATENCY_ROWS
    noise_rows: int = 16
    seed: int = 7
    endpoint: str = ""
    price_in: float | None = None
    price_out: float | None = None
    currency: str = "USD"
    max_cost: float | None = None
    max_calls: int | None = None
    name: str = ""
    trained_on: str = ""
    version: int = 1


FREE_SAMPLES = 5  # of a task whose answers are free text: the least that says how answers vary (metrics A9)


def usual_samples(pack: "Pack", sampling: Sampling | None = None) -> int:
    """Answers a document where nobody says how many: one, or several where text is free and drawn. Greedy answers to
    one document are all alike. `sampling` None is the pack's own."""
    drawn = not (sampling or pack.sampling).greedy
    return FREE_SAMPLES if drawn and pack.answer.kind == "text" else 1


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, as a line of answers.jsonl. Times are wall seconds in its batch, sizes tokens.

    `shown_share` is how much of the document's tokens its prompt showed, 0..1 (None where no model read it); `shown` is
    that text's hash. `batch_size` is rows decoded together, 0 where nothing was decoded. `finish_known` False: nobody
    said why an imported answer ended, and eos is assumed.
    """

    arm: str
    doc: str
    k: int
    raw: str
    finish: str
    prompt_sha256: str = ""
    prompt_tokens: int = 0
    new_tokens: int = 0
    shown_share: float | None = None
    ttft_s: float | None = None
    gen_s: float | None = None
    batch_size: int = 0
    finish_known: bool = True


@dataclass(frozen=True, slots=True)
class EvalStatus:
    """How an evaluation stands. state: queued | running | finished | failed | cancelled | lost (its process is gone).

    `phase` is what it does now in a word: answering, latency, noise, scoring, judging, writing. `done` of `total`
    answers are there; `eta_s` is None before it is known. `error` and `fix` say why it failed; times are ISO 8601 UTC.
    """

    id: str
    name: str
    task: str
    state: str = "queued"
    phase: str = ""
    arm: str = ""
    done: int = 0
    total: int = 0
    eta_s: float | None = None
    error: str = ""
    fix: str = ""
    created: str = ""
    updated: str = ""


# The columns of the frames, in order. A column that a frame lacks is a defect, one more is too.
GEN_COLUMNS = (
    "run", "arm", "doc", "k", "cluster", "slice", "style", "part", "tier", "finish", "raw", "chars", "prompt_sha256",
    "prompt_tokens", "new_tokens", "shown_share", "ttft_s", "gen_s", "batch_size", "n_objects", "prefix_chars",
    "suffix_chars", "repairs", "repair_similarity", "parse_error", "error", "tags",
)  # fmt: skip
"""`cluster` is the document's group (its id where it has none); `error` the primary error cluster, "" for none; `tags`
every tag as a JSON list."""
SCORE_COLUMNS = (
    "run", "arm", "doc", "k", "cluster", "slice", "style", "part", "tier", "field", "metric", "value", "n", "status",
)  # fmt: skip
"""`tier` is the help that counts, see TIERS. Rows of usable and repaired stand only for answers that are not strict:
elsewhere they would be equal to the strict ones."""
ITEM_COLUMNS = (
    "run", "arm", "doc", "k", "field", "side", "idx", "text", "match_idx", "sim", "outcome", "grounded", "qty_ok",
)  # fmt: skip
"""`side` gold or pred; `match_idx` -1 without a pair; `outcome` COR (paired, right), INC (paired or filled, wrong),
MIS (gold alone), SPU (pred alone), NUL (a field empty on both sides, idx -1). `grounded`, `qty_ok` None: not
checkable."""
JUDGE_COLUMNS = (
    "run", "arm", "doc", "mode", "other", "field", "order", "repeat", "score", "status", "evidence", "tokens_in",
    "tokens_out", "cost", "cached",
)  # fmt: skip
"""`mode` pointwise (score 0-10 a field, "overall" our mean) or pairwise (score 1 arm wins, 0 loses, 0.5 tie, `other`
the second arm, `order` ab or ba); `status` ok or unscored(reason); `evidence` JSON; `cost` None: no price is known."""
