"""A dataset as one frozen description: where rows come from, what is made of them, what they pass, how they part.

Read from YAML, where an error names file, key and fix, and written back. What stands here is all that a build depends
on: the same spec over the same sources gives the same rows, and so the same version, on any machine. Limits: a Hub
dataset that changes under its name changes the rows; of a path only the last name counts for a spec's identity.

    task: recipe-jsonld
    name: weeknight
    sources:
      - {kind: grammar, rows: 500, licence: Apache-2.0}
      - kind: file
        path: recipes.csv
        licence: CC-BY-4.0
        mapping:
          - {field: title, column: name}
          - {field: ingredients, column: ingredients, rule: json_list}
          - {field: steps, column: directions, rule: lines}
    render: {styles: {clean: 2, fluffy: 1}, posts_per_recipe: 2}
    gates: {personal: refuse, quotas: {group: 0.1}}
    split: {preset: 80/10/10, golden: 30, adversarial: 20}
    judge: {base_url: "https://judge.example/v1", model: large, key_env: JUDGE_API_KEY, caps: {calls: 500}}
    seed: 7
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import yaml

from training.data.gates.settings import Tools, plan_from
from training.data.judge.plan import JudgeSpec
from training.data.makers import RenderSpec
from training.data.news import SLICES as NEWS_SLICES
from training.data.record_reading import Problem, changed, read_record
from training.data.rows import UNKNOWN_LICENCE, canonical
from training.data.teacher.plan import TeacherSpec
from training.errors import DataError, PackError
from training.task.records import sha256_text
from training.task.yamlfile import Reader, parse_yaml, read_utf8
from training.typed_path import typed_path

FORMAT = 1  # of the spec file; raised when an old file would mean something else
KINDS = ("grammar", "corpus", "news", "file", "hub")
PARTS = ("train", "dev", "test", "golden", "adversarial")
PRESETS: Mapping[str, Mapping[str, float]] = {
    "95/5": {"train": 0.95, "test": 0.05},
    "90/10": {"train": 0.9, "test": 0.1},
    "80/10/10": {"train": 0.8, "dev": 0.1, "test": 0.1},
    "70/15/15": {"train": 0.7, "dev": 0.15, "test": 0.15},
}
HARD_SLICES = ("orders", "near_miss", "schema_temptation", "not_recipe", "not_dish")
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_SLICE = re.compile(r"[0-9]{0,12}:[0-9]{0,12}")
_UNWRITABLE, _TAKE_OUT = re.compile("[\0\ud800-\udfff]"), "Take the zero character, or half of one, out."
_MOST_ROWS = 10**9


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Which column fills a field of the source record, and by which rule its value is taken apart ("" is as it is)."""

    field: str
    column: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source. `rows` 0 takes all there are (the offline kinds need a number); `slice` "a:b" takes rows a to b-1.

    `path` is a file's, as written; relative ones start at the spec's folder. `mapping` is what a person confirmed;
    empty is right only for files whose columns already have the fields' names. `columns` are read where named: what a
    row is grouped by and its date. `part` holds every row of this source, and whatever shares a group with it, in
    that part of the version: "test" or "golden" for what was kept for evaluation. `shares` are weights of the slices of
    the built-in news, {} for its own; recipes have theirs in `render`.
    """

    kind: str
    name: str = ""  # what rows say as their origin; "" is the file's, dataset's or kind's own
    path: str = ""
    dataset: str = ""
    subset: str = ""
    split: str = "train"
    slice: str = ""
    streaming: bool = False
    rows: int = 0
    mapping: tuple[FieldMapping, ...] = ()
    licence: str = UNKNOWN_LICENCE
    group_column: str = ""
    date_column: str = ""
    encoding: str = ""  # "" finds it out and says so
    part: str = ""
    shares: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Problem("kind", f"is {self.kind!r}", fix=f"Use one of: {', '.join(KINDS)}.")
        if self.kind == "file" and not self.path:
            raise Problem("path", "is missing", fix="Give the file to read.")
        if self.kind == "hub" and not self.dataset:
            raise Problem("dataset", "is missing", fix="Give a dataset's id, such as owner/name, or its folder.")
        if not 0 <= self.rows <= _MOST_ROWS:
            raise Problem("rows", f"is {self.rows}", fix="Give how many to take; 0 takes all.")
        if self.kind in ("grammar", "corpus", "news") and self.rows == 0:
            raise Problem("rows", "is missing", fix=f"Say how many to make: the source {self.kind} has no end.")
        if self.slice and not _SLICE.fullmatch(self.slice):
            raise Problem("slice", f"is {self.slice[:60]!r}", fix='Write it as "0:1000", with 12 digits at most.')
        for key in ("name", "path", "dataset", "subset", "split", "encoding"):
            if _UNWRITABLE.search(getattr(self, key)):
                raise Problem(key, f"is {getattr(self, key)!r}, which no file can be called", fix=_TAKE_OUT)
        if self.part and self.part not in PARTS:
            raise Problem("part", f"is {self.part!r}", fix=f"Use one of: {', '.join(PARTS)}.")
        self._check_shares()
        fields = [mapped.field for mapped in self.mapping]
        if doubled := sorted({name for name in fields if fields.count(name) > 1}):
            raise Problem("mapping", f"fills {', '.join(doubled)} twice", fix="Keep one column for each field.")

    def _check_shares(self) -> None:
        if self.shares and self.kind != "news":
            fix = "Only the source news has them; recipes take render: {slices: ...}."
            raise Problem("shares", f"stand at a source of kind {self.kind}", fix=fix)
        if unknown := [name for name in self.shares if name not in NEWS_SLICES]:
            raise Problem("shares", f"name {', '.join(unknown)}", fix=f"Use some of: {', '.join(NEWS_SLICES)}.")
        if self.shares and not (all(0 <= s < float("inf") for s in self.shares.values()) and any(self.shares.values())):
            raise Problem("shares", f"are {dict(self.shares)}", fix="Give numbers from 0, one of them above it.")

    @property
    def origin(self) -> str:
        return self.name or self.dataset or (Path(self.path).name if self.path else self.kind)


@dataclass(frozen=True, slots=True)
class SplitSpec:
    """How rows part. `shares` of your own replace `preset`; they are of the rows that golden and adversarial leave.

    `golden` and `adversarial` count rows, 0 for none. Adversarial rows are of `hard_slices` alone. `by` group keeps a
    group together; `by` date besides puts every training row on an earlier day than any other.
    """

    preset: str = "80/10/10"
    shares: Mapping[str, float] = field(default_factory=dict[str, float])
    by: str = "group"
    stratify: bool = True
    golden: int = 0
    adversarial: int = 0
    hard_slices: tuple[str, ...] = HARD_SLICES

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise Problem("preset", f"is {self.preset!r}", fix=f"Use one of: {', '.join(PRESETS)}; or give shares.")
        if self.by not in ("group", "date"):
            raise Problem("by", f"is {self.by!r}", fix="Use group or date.")
        for part, share in self.shares.items():
            if part not in ("train", "dev", "test"):
                raise Problem("shares", f"names {part!r}", fix="Shares are for train, dev and test.")
            if not 0 <= share <= 1:
                raise Problem("shares", f"gives {part} {share}", fix="A share is a number from 0 to 1.")
        if self.shares and abs(sum(self.shares.values()) - 1) > 1e-6:
            raise Problem("shares", f"add up to {sum(self.shares.values()):g}", fix="Make them add up to 1.")
        for key in ("golden", "adversarial"):
            if getattr(self, key) < 0:
                raise Problem(key, f"is {getattr(self, key)}", fix="Give a count of rows; 0 for none.")
        if self.adversarial and not self.wanted.get("test"):
            raise Problem("adversarial", "needs a test part beside it", fix="Give test a share.")

    @property
    def wanted(self) -> Mapping[str, float]:
        """Shares of train, dev and test that are above 0."""
        shares = self.shares or PRESETS[self.preset]
        return {part: shares[part] for part in PARTS if shares.get(part, 0) > 0}


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """The whole description. What is not given keeps its default.

    With a `teacher` a model writes the rows instead of `render`; the same spec then gives the same version only with
    the same ledger of answers. A `judge` scores each row that passed every other gate but the quotas, by the rule of
    `gates.rubric`; of it the same holds. `gates` are settings by the names of `GatePlan`. `protect` names files of
    rows (of a version, or the rows.jsonl of an evaluation), or folders of versions, that no row of this dataset may
    repeat. `tokenizer` is the base, by name, folder or Hub id, whose tokens lengths are counted in, and whose
    context they are held against; "" is the embedded one, its tokens alone. `folder` is where the spec was read from:
    relative paths start there. It is neither written nor hashed.
    """

    task: str
    name: str
    sources: tuple[SourceSpec, ...]
    render: RenderSpec = field(default_factory=RenderSpec)
    gates: Mapping[str, Any] = field(default_factory=dict[str, Any])
    split: SplitSpec = field(default_factory=SplitSpec)
    teacher: TeacherSpec | None = None
    judge: JudgeSpec | None = None
    protect: tuple[str, ...] = ()
    seed: int = 7
    tokenizer: str = ""
    format: int = FORMAT
    folder: str = field(default="", compare=False, metadata={"unwritten": True})

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise Problem(
                "format", f"is {self.format}, this studio reads {FORMAT}", fix="Update the studio or the file."
            )
        if not NAME.fullmatch(self.name):
            raise Problem("name", f"is {self.name!r}", fix="Use a-z, 0-9, - and _, 48 characters at most.")
        if not self.task:
            raise Problem("task", "is empty", fix="Name a task pack, such as recipe-jsonld.")
        if not self.sources:
            raise Problem("sources", "is empty", fix="Give at least one source.")
        try:
            plan_from(self.gates, cast("Any", None), Tools(judge=lambda _: ()))
        except DataError as err:
            raise Problem("gates", f"can't be used: {err}", fix=err.fix) from err
        if self.judge is not None and self.gates.get("rubric", {}) is None:
            raise Problem("judge", "is named, but gates.rubric is null: no row would be judged", fix="Take one out.")
        if self.judge is None and self.gates.get("rubric") is not None:
            fix = "Name one under judge: with base_url and model, or take the rubric out."
            raise Problem("gates", "ask for a rubric, but the spec names no judge", fix=fix)
        for key, texts in (("tokenizer", (self.tokenizer,)), ("protect", self.protect)):
            if _UNWRITABLE.search("".join(texts)):
                raise Problem(key, "holds what no file can be called", fix=_TAKE_OUT)
        if not 0 <= self.seed < 2**32:
            raise Problem("seed", f"is {self.seed}", fix="Give a whole number from 0 to 4294967295.")

    @property
    def identity(self) -> dict[str, Any]:
        """What is hashed: everything that was changed from its default, and of absolute paths the last name."""
        return changed(portable(self))

    @property
    def hash(self) -> str:
        """64 hex characters over the identity; the same on any machine."""
        return sha256_text(canonical(self.identity))

    def resolved(self, source: SourceSpec) -> SourceSpec:
        """`source` with the path that reading it needs."""
        if source.kind == "hub" and source.dataset.startswith((".", "~")):
            return replace(source, dataset=str(self.place(source.dataset)))
        return replace(source, path=str(self.place(source.path))) if source.path else source

    def place(self, path: str) -> Path:
        """Where a path of this spec is on this machine. InputError where it can't be one here."""
        return Path(self.folder) / typed_path(path, "The path")


def portable(spec: DatasetSpec) -> DatasetSpec:
    """The spec as a version keeps it: an absolute path would tell of a person's machine, so its last name stands."""
    sources = tuple(
        replace(source, path=_nameless(source.path), dataset=_nameless(source.dataset)) for source in spec.sources
    )
    tokenizer = _nameless(spec.tokenizer)
    protect = tuple(_nameless(path) for path in spec.protect)
    return replace(spec, sources=sources, tokenizer=tokenizer, protect=protect, folder="")


def _nameless(path: str) -> str:
    return Path(path).name if path.startswith("~") or Path(path).is_absolute() else path


def read_spec(file: Path) -> DatasetSpec:
    """A spec from its YAML file. DataError with file, key and fix."""
    try:
        return spec_from(read_utf8(file), file)
    except PackError as err:
        raise DataError(str(err), fix=err.fix) from err


def spec_from(text: str, file: Path) -> DatasetSpec:
    """A spec from YAML text (JSON is YAML); `file` is what errors name, its folder is where relative paths start."""
    try:
        return spec_of(parse_yaml(text, file), file)
    except PackError as err:
        raise DataError(str(err), fix=err.fix) from err


def spec_of(reader: Reader, file: Path) -> DatasetSpec:
    return replace(read_record(reader, DatasetSpec), folder=str(file.absolute().parent))


def write_spec(spec: DatasetSpec) -> str:
    """The spec as YAML: reading it gives an equal spec. Defaults are left out."""
    data = {"format": spec.format, **changed(spec)}
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=120)
