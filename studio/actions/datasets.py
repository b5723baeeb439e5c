"""The start of a dataset: what a person chose becomes a spec, its YAML, a preview of its rows, a build. No Gradio.

The YAML is what is built, whether the form wrote it or a person did. Nothing here runs on a Space, where every handler
gets a DataError that says why: nothing may be kept there, so nothing can be built.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from studio.actions.dataset_form import not_on_a_space
from studio.deps import Deps
from studio.queries.datasets import find
from training.chat.endpoint import reach
from training.data.build_cost import Quote, endpoints, quotes
from training.data.makers import make_rows
from training.data.rows import BadRecord, DataRow
from training.data.spec import DatasetSpec, SourceSpec, spec_from, write_spec
from training.data.teacher.prompts import Ask
from training.data.version_files import sha256_file
from training.disk import disk
from training.errors import DataError
from training.task.pack import pack_named

SAMPLE = 10
COMMAND = "python -m training data build SPEC.yaml"
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class Guess:
    """The encoding of a file that is not UTF-8, how it was found, and some of its letters as they are so read.

    `guessed` is False for one that a person wrote.
    """

    encoding: str
    how: str
    letters: str
    guessed: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """The first rows of a spec as they would be made, or the `proposal` of a source whose columns nobody confirmed.

    `guess` is the encoding of a file that is not UTF-8: confirming the columns takes it over. `teacher` is the model
    that a build will ask, "" for none; `asked` is what it will be asked about, since what it writes is not there yet.
    `rows` then are those that are finished already.
    """

    rows: tuple[DataRow, ...] = ()
    bad: tuple[BadRecord, ...] = ()
    proposal: Any = None
    guess: Guess | None = None
    teacher: str = ""
    asked: tuple[Ask, ...] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a build would pay, told before anything is paid: a quote for each endpoint it asks, teacher or judge.

    `problem` says why one of them can't be asked, "" where all can. `offer` is what `start` wants to hear back: this
    spec's hash.
    """

    quotes: tuple[Quote, ...]
    problem: str
    offer: str


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
    """Where others can reach this studio, only what they dropped here is read, and only ids of the Hub.

    No teacher and no judge is asked there either: an address of theirs would be sent a key of this machine's.
    """
    for asked in endpoints(spec):
        raise DataError(
            f"A {asked.whose} is asked only from a studio that nobody else can reach.", fix="Take it out of the spec."
        )
    fix = "Drop the file here, or run the studio for yourself alone."
    kept = (deps.settings.home / "sources").resolve()
    for source in spec.sources:
        if source.kind == "file" and not spec.place(source.path).resolve().is_relative_to(kept):
            raise DataError(f"The path {source.path!r} is closed to this page.", fix=fix)
        if source.kind == "hub" and (source.dataset.startswith(".") or not _HUB_ID.fullmatch(source.dataset)):
            raise DataError(f"{source.dataset!r} is no dataset id.", fix="Write it as owner/name.")
    if spec.protect or (spec.tokenizer and not _HUB_ID.fullmatch(spec.tokenizer)):
        raise DataError("A path stands in protect or tokenizer, and paths are closed to this page.", fix=fix)


def spec_again(deps: Deps, name: str) -> tuple[str, str]:
    """The YAML of a version's spec, to be built again, and a sentence on the files that have to be named anew.

    A version keeps of a file's path only its name; one that lies in the home under that name is found again.
    """
    not_on_a_space(deps)
    home, spec = deps.settings.home, find(deps, name).spec
    sources: list[SourceSpec] = []
    for source in spec.sources:
        bare = source.kind == "file" and source.path == Path(source.path).name
        places = [*home.glob("sources/*"), home / "datasets" / ".accepted"] if bare else []
        kept = [place / source.path for place in places if (place / source.path).is_file()]
        sources.append(replace(source, path=str(kept[0].absolute())) if len(kept) == 1 else source)
    spec = replace(spec, sources=tuple(sources))
    gone = [source.path for source in spec.sources if source.kind == "file" and not Path(source.path).is_absolute()]
    missing = f"A version keeps only the names of files: write where {', '.join(gone)} lies." if gone else ""
    return write_spec(spec), missing


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


def sample(deps: Deps, text: str, encoding: str = "") -> Sample:
    """The first `SAMPLE` rows of the spec in `text`, shared out over its sources; nothing is kept.

    A proposal instead where a source's columns or encoding are not confirmed; it is read as `encoding`, "" for a guess.
    DataError where a source can't be read.
    """
    from training.data.sources.mapping import UnconfirmedMapping
    from training.data.sources.read import GuessedEncoding

    spec = spec_of_text(text, deps)
    good: list[DataRow | Ask] = []
    bad: list[BadRecord] = []
    each = -(-SAMPLE // len(spec.sources))
    for source in map(spec.resolved, spec.sources):
        try:
            for item in islice(_made(spec, source, deps), 5 * each):
                (bad if isinstance(item, BadRecord) else good).append(item)  # pyright: ignore[reportArgumentType]
                if len(good) % each == 0 and good and not isinstance(item, BadRecord):
                    break
        except (UnconfirmedMapping, GuessedEncoding) as err:
            return _proposed(source, encoding, getattr(err, "proposal", None))
    rows = tuple(item for item in good[:SAMPLE] if isinstance(item, DataRow))
    asked = tuple(item for item in good[:SAMPLE] if isinstance(item, Ask))
    return Sample(rows, tuple(bad[:SAMPLE]), teacher=spec.teacher.model if spec.teacher else "", asked=asked)


def _made(spec: DatasetSpec, source: SourceSpec, deps: Deps) -> Iterator[DataRow | Ask | BadRecord]:
    from training.data.sources.read import read_source
    from training.data.teacher.write import asked_about

    rows = read_source(source, spec.seed)
    if spec.teacher is None:
        yield from make_rows(spec.task, rows, spec.render, spec.seed)
        return
    for found in asked_about(rows, deps.packs[spec.task], spec.teacher):
        yield found if isinstance(found, Ask) else found.result


def _proposed(source: SourceSpec, encoding: str, proposal: Any) -> Sample:
    """How a source's columns would be read, by the encoding that a person wrote where they wrote one."""
    from training.data.sources.files import inspect_file, odd_letters
    from training.data.sources.read import propose_source

    if source.kind != "file":
        return Sample(proposal=proposal)
    source = replace(source, encoding=source.encoding or encoding.strip())
    facts = inspect_file(Path(source.path), source.encoding)
    name, how, guessed = facts.encoding
    guess = Guess(name, how, odd_letters(facts), guessed) if guessed or source.encoding else None
    return Sample(proposal=propose_source(source), guess=guess)


def cost(deps: Deps, text: str) -> Cost | None:
    """What teacher and judge of the spec would cost, None without either. Pays nothing; they are only knocked at.

    Reads every source, and with a judge holds every row against the gates: slow for a large one. DataError for a source
    nobody confirmed.
    """
    if not endpoints(spec_of_text(text, deps)):
        return None
    spec = _confirmed(deps, text)
    found = quotes(spec, deps.settings.home)
    problems: list[str] = []
    for asked in endpoints(spec):
        try:
            reach(asked)
        except DataError as err:
            problems.append(f"{err} {err.fix}")
    return Cost(found, " ".join(problems), spec.hash)


def start(deps: Deps, text: str, agreed: str = "") -> str:
    """Build what the YAML says, in the background; returns the job. DataError for a source nobody confirmed.

    A spec with a teacher or a judge is built only where `agreed` is the offer of its `Cost`: nothing is paid that was
    not shown.
    """
    from training.data.build_job import start_build

    spec = _confirmed(deps, text)
    asked = endpoints(spec)
    if asked and agreed != spec.hash:
        who = " and the ".join(one.whose for one in asked)
        raise DataError(
            f"What the {who} of this very dataset would cost has not been shown yet.",
            fix="Press Build dataset in the Data tab: it shows the cost and asks.",
        )
    for one in asked:
        reach(one)
    return start_build(replace(spec, folder=str((deps.settings.home / "datasets").absolute())), deps.settings.home)


def _confirmed(deps: Deps, text: str) -> DatasetSpec:
    """The spec, once its sources can be read and their columns are confirmed."""
    if sample(deps, text).proposal is not None:
        raise DataError(
            "Nobody has said yet what the columns of the source are, or its encoding.",
            fix="Look at the source, check its columns and confirm them.",
        )
    return spec_of_text(text, deps)


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


def forget(deps: Deps, ids: Sequence[str]) -> None:
    """Take rows off the list of those that wait. What they were accepted into before keeps them."""
    from training.data.candidates import delete_candidate

    not_on_a_space(deps)
    if not ids:
        raise DataError("No row was chosen.", fix="Tick the rows to delete.")
    for candidate in ids:
        delete_candidate(deps.settings.home, candidate)


def accept(deps: Deps, text: str, ids: Sequence[str], licence: str) -> str:
    """The spec in `text` with these candidates as rows of its test part, as YAML."""
    from training.data.candidates import accept_candidates

    spec = spec_of_text(text, deps)
    if not licence.strip():
        raise DataError("What these texts may be used for is not said.", fix="Name their licence beside the list.")
    return write_spec(accept_candidates(deps.settings.home, spec, ids, licence=licence.strip()))
