"""The start of a dataset: what a person chose becomes a spec, its YAML, a preview of its rows, a build. No Gradio.

The YAML is what is built, whether the form wrote it or a person did. Nothing here runs on a Space, where every handler
gets a DataError that says why: nothing may be kept there, so nothing can be built.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from pathlib import Path
from typing import Any

from studio.actions.form import number, whole
from studio.deps import Deps
from training.data.makers import MENUS, RenderSpec, make_rows
from training.data.rows import UNKNOWN_LICENCE, BadRecord, DataRow
from training.data.spec import DatasetSpec, FieldMapping, SourceSpec, SplitSpec, spec_from, write_spec
from training.data.version_files import sha256_file
from training.disk import disk
from training.errors import DataError
from training.task.pack import pack_named

SAMPLE = 10
OFFLINE = {
    "grammar": "Recipes by our own grammar",
    "corpus": "Public-domain cookbooks",
    "news": "AI news by our own grammar",
}
FROM_OUTSIDE = {"file": "A file (CSV, JSON, Parquet)", "hub": "A Hugging Face dataset"}
COMMAND = "python -m training data build SPEC.yaml"
NOT_HERE = "Nothing is kept on this Space, so no dataset can be made here."
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class DataForm:
    """Plain values as the components give them, one a field; the component of the same name is the only other place.

    `file` is a path of this machine. `mapping` rows are [field, column, rule] and count once `confirmed`; `styles` and
    `slices` rows are [name, share], shares as weights. `rows` 0 takes all there are of a file or Hub dataset.
    """

    task: str = ""
    name: str = "my-dataset"
    kind: str = "grammar"
    file: str | None = ""
    dataset: str | None = ""
    subset: str | None = ""
    hub_split: str | None = "train"
    rows: float | None = 500
    licence: str | None = ""
    encoding: str | None = ""
    mapping: Sequence[Sequence[Any]] = ()
    confirmed: bool = False
    styles: Sequence[Sequence[Any]] = ()
    slices: Sequence[Sequence[Any]] = ()
    posts: float | None = 1
    personal: str = "mask"
    preset: str = "80/10/10"
    seed: float | None = 7

    @classmethod
    def of(cls, values: Sequence[Any]) -> "DataForm":
        """Values in the order of the fields; a missing one fails here, not one component further."""
        return cls(**dict(zip(FIELDS, values, strict=True)))


FIELDS = tuple(f.name for f in fields(DataForm))


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a spec as they would be made, or the `proposal` of a source whose columns nobody confirmed.

    `encoding` is the guessed one of a file that is not UTF-8, "" elsewhere: confirming takes it over. `teacher` is the
    model that a build will ask, "" for none; the rows here are made offline all the same.
    """

    rows: tuple[DataRow, ...] = ()
    bad: tuple[BadRecord, ...] = ()
    proposal: Any = None
    encoding: str = ""
    teacher: str = ""


def source_choices(task: str, deps: Deps) -> list[tuple[str, str]]:
    """(label, kind) of the sources that fit a task: its built-in ones first."""
    own = ["news"] if task == "news-metadata" else ["grammar", "corpus"] if task in MENUS else []
    found = [(OFFLINE[kind], kind) for kind in own]
    return found if deps.settings.space else [*found, *((label, kind) for kind, label in FROM_OUTSIDE.items())]


def menu_rows(task: str) -> tuple[list[list[Any]], list[list[Any]]]:
    """A task's styles and slices with their default shares, as rows [name, share]; none where it has no renderer."""
    menu = MENUS.get(task)
    if menu is None:
        return [], []
    return [[name, 1.0] for name in menu.styles], [[name, share] for name, share in menu.slices.items()]


def not_on_a_space(deps: Deps) -> None:
    if deps.settings.space:
        raise DataError(NOT_HERE, fix="Run the studio on your own machine: everything works there, offline too.")


def spec_of_form(form: DataForm, deps: Deps) -> DatasetSpec:
    """The spec that the form describes. A StudioError names what can't be used."""
    not_on_a_space(deps)
    pack_named(form.task, deps.packs)
    styles, slices = menu_rows(form.task)
    render = RenderSpec(
        styles=_shares(form.styles, styles, "Styles"),
        slices=_shares(form.slices, slices, "Slices"),
        posts_per_recipe=whole(form.posts, "Posts per recipe", 1, 50) if styles else 1,
        facts="random" if form.kind in ("grammar", "corpus") and form.task == "recipe-jsonld" else "given",
    )
    return DatasetSpec(
        task=form.task,
        name=form.name.strip(),
        sources=(_source(form),),
        render=render,
        gates={} if form.personal == "mask" else {"personal": form.personal, "secrets": form.personal},
        split=SplitSpec(preset=form.preset),
        seed=whole(form.seed, "Seed", 0, 2**32 - 1),
    )


def _source(form: DataForm) -> SourceSpec:
    count = whole(form.rows, "Rows", 0, 10**9)
    if form.kind in OFFLINE:
        return SourceSpec(form.kind, rows=count)
    mapping = tuple(_mapped(line) for line in form.mapping if any(line)) if form.confirmed else ()
    licence = (form.licence or "").strip() or UNKNOWN_LICENCE
    common = {"rows": count, "mapping": mapping, "licence": licence}
    if form.kind == "file":
        encoding = (form.encoding or "").strip() if form.confirmed else ""
        return SourceSpec("file", path=(form.file or "").strip(), encoding=encoding, **common)
    dataset, subset = (form.dataset or "").strip(), (form.subset or "").strip()
    split = (form.hub_split or "").strip()
    return SourceSpec("hub", dataset=dataset, subset=subset, split=split, streaming=True, **common)


def _mapped(line: Sequence[Any]) -> FieldMapping:
    given = [str(cell or "").strip() for cell in (*line, "", "", "")[:3]]
    if not given[0] or not given[1]:
        raise DataError(f"A line of the columns is half empty: {given}.", fix="Name a field and a column, or clear it.")
    return FieldMapping(*given)


def _shares(given: Sequence[Sequence[Any]], usual: list[list[Any]], what: str) -> Mapping[str, float]:
    """Shares that differ from the task's own; {} where they are just those."""
    shares: dict[str, float] = {}
    share: Any
    for line in given:
        name, share = (str(line[0] or "").strip(), line[1]) if len(line) == 2 else ("", None)
        if not name:
            continue
        try:
            shares[name] = number(float(share), f"{what}: {name}", 0, 1000)
        except (TypeError, ValueError):
            raise DataError(f"{what}: the share of {name} is {share!r}.", fix="Give it a number; 0 for none.") from None
    return {} if shares == {name: float(share) for name, share in usual} else shares


def spec_of_text(text: str, deps: Deps) -> DatasetSpec:
    """The spec that YAML text holds, checked against what this studio may read. DataError names key and fix."""
    not_on_a_space(deps)
    if not text.strip():
        raise DataError("There is no spec yet.", fix="Fill in the form, or write the spec under Advanced.")
    spec = spec_from(text, deps.settings.home / "datasets" / "spec.yaml")
    pack_named(spec.task, deps.packs)
    if not deps.settings.allow_paths:
        _refuse_paths(spec, deps)
    return spec


def _refuse_paths(spec: DatasetSpec, deps: Deps) -> None:
    """Where others can reach this studio, only what they dropped here is read, and only ids of the Hub."""
    fix = "Drop the file here, or run the studio for yourself alone."
    kept = (deps.settings.home / "sources").resolve()
    for source in spec.sources:
        if source.kind == "file" and not spec.place(source.path).resolve().is_relative_to(kept):
            raise DataError(f"The path {source.path!r} is closed to this page.", fix=fix)
        if source.kind == "hub" and (source.dataset.startswith(".") or not _HUB_ID.fullmatch(source.dataset)):
            raise DataError(f"{source.dataset!r} is no dataset id.", fix="Write it as owner/name.")
    if spec.protect or (spec.tokenizer and not _HUB_ID.fullmatch(spec.tokenizer)):
        raise DataError("A path stands in protect or tokenizer, and paths are closed to this page.", fix=fix)


def form_yaml(form: DataForm, deps: Deps) -> str:
    """The YAML that builds what the form says."""
    return write_spec(spec_of_form(form, deps))


def keep_file(deps: Deps, path: str | None) -> str:
    """Keep a dropped file in the home, under its own name, and return where; the upload itself is removed."""
    not_on_a_space(deps)
    if not path:
        raise DataError("No file came through.", fix="Drop a CSV, JSON, JSON lines or Parquet file.")
    given = Path(path)
    with disk("keep the file", deps.settings.home):
        digest = sha256_file(given)[:12]
        folder = deps.settings.home / "sources" / digest
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given, folder / given.name)
        given.unlink(missing_ok=True)
    return str((folder / given.name).absolute())


def sample(deps: Deps, text: str) -> Sample:
    """The first `SAMPLE` rows of the spec in `text`, shared out over its sources; nothing is kept.

    A proposal instead where a source's columns are not confirmed. DataError where a source can't be read.
    """
    from training.data.sources.mapping import UnconfirmedMapping

    spec = spec_of_text(text, deps)
    rows: list[DataRow] = []
    bad: list[BadRecord] = []
    each = -(-SAMPLE // len(spec.sources))
    for source in map(spec.resolved, spec.sources):
        try:
            for item in islice(_made(spec, source), 5 * each):
                (bad if isinstance(item, BadRecord) else rows).append(item)  # pyright: ignore[reportArgumentType]
                if len(rows) % each == 0 and rows and not isinstance(item, BadRecord):
                    break
        except UnconfirmedMapping as err:
            return Sample(proposal=err.proposal, encoding=_guessed(source))
    teacher = spec.teacher.model if spec.teacher else ""
    return Sample(tuple(rows[:SAMPLE]), tuple(bad[:SAMPLE]), teacher=teacher)


def _made(spec: DatasetSpec, source: SourceSpec) -> Iterator[DataRow | BadRecord]:
    from training.data.sources.read import read_source

    return make_rows(spec.task, read_source(source, spec.seed), spec.render, spec.seed)


def _guessed(source: SourceSpec) -> str:
    from training.data.sources.files import inspect_file

    if source.kind != "file":
        return ""
    found = inspect_file(Path(source.path), source.encoding).encoding
    return found.name if found.guessed else ""


def start(deps: Deps, text: str) -> str:
    """Build what the YAML says, in the background; returns the job. DataError for a source nobody confirmed."""
    from training.data.build_job import start_build

    spec = spec_of_text(text, deps)
    found = sample(deps, text)
    if found.proposal is not None:
        raise DataError(
            "Nobody has said yet what the columns of the source are.",
            fix="Look at the source, check its columns and confirm them.",
        )
    return start_build(replace(spec, folder=str((deps.settings.home / "datasets").absolute())), deps.settings.home)


def cancel(deps: Deps, job: str) -> None:
    """Ask a build to stop; what it finished stays for the next try."""
    from training.data.build_job import cancel_job

    not_on_a_space(deps)
    if job:
        cancel_job(deps.settings.home, job)


def dismiss(deps: Deps, job: str) -> None:
    """Forget a build that is over; its version stays."""
    from training.data.build_job import forget_job

    not_on_a_space(deps)
    if job:
        forget_job(deps.settings.home, job)


def accept(deps: Deps, text: str, ids: Sequence[str], licence: str) -> str:
    """The spec in `text` with these candidates as rows of its test part, as YAML."""
    from training.data.candidates import accept_candidates

    spec = spec_of_text(text, deps)
    if not licence.strip():
        raise DataError("What these texts may be used for is not said.", fix="Name their licence beside the list.")
    return write_spec(accept_candidates(deps.settings.home, spec, ids, licence=licence.strip()))
