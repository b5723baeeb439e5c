"""A dataset version's rows as a run learns them: the prompt Compare would render, the answer and its end token.

Context step, budget and chat template are the ones of a comparison, so what a run is trained on is, id for id, what its
adapter is asked later. Left out, counted and never mended: a row of which the context step dropped a part that its
answer says (it would teach to invent), one of which nothing is left to show, and one whose text holds a control marker
of the base (as plain text it would be read as the marker). What a gold says that its source never said is the gates'
matter, not looked at here. No torch, and the weights are never read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from training.data.exports import answer_text
from training.data.rows import DataRow
from training.data.versions import (
    MANIFEST,
    Version,
    find_version,
    list_versions,
    open_version,
    rows_for_training,
)
from training.engine.api import ASSETS
from training.engine.base_tokenizer import context_tokens, load_tokenizer
from training.engine.row_cache import Rendered, RowCache, key_of
from training.engine.tokens import chat_end_token, encode
from training.engine.train_job import Row, SamplePrompt
from training.errors import DataError, InputError, ModelError
from training.runs.config import RunConfig
from training.task.context import build_context
from training.task.pack import Pack
from training.task.parse import gold_object
from training.task.prompt import render_prompt, room_for_source
from training.task.records import Context, Prompt, Source
from training.task.score.grounding import ground_items
from training.task.score.lists import sentences
from training.task.score.values import asserts_anything, text_of
from training.task.sections import write_sections
from training.typed_path import typed_path

SHIPPED = ASSETS / "datasets"
DROPPED, NOTHING, MARKER = "context step dropped part of the answer", "nothing left to show", "control marker in text"


@dataclass(frozen=True, slots=True)
class RowsRendered:
    """`rows` in the order of the version; `left_out` gives the ids of the others by reason."""

    rows: list[Row]
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def n_left_out(self) -> int:
        return sum(map(len, self.left_out.values()))

    @property
    def share_left_out(self) -> float:
        """Of all the part's rows, 0..1."""
        return self.n_left_out / max(1, self.n_left_out + len(self.rows))


class Asked(NamedTuple):
    """A row as Compare would ask it."""

    row: DataRow
    gold: dict[str, Any]  # the row's answer as an object
    context: Context
    prompt: Prompt


def find_dataset(home: Path, name: str) -> Path:
    """The folder of a version by its name, the beginning of one, or a path: a person's own first, then what ships.

    DataError where there is none, or where a beginning fits several; InputError for what can't be a path.
    """
    if not name.strip():
        raise DataError("No dataset version was named.", fix="Name one in `dataset`; `data list` shows them.")
    if ((given := typed_path(name, "dataset")) / MANIFEST).is_file():
        return given
    roots = (home / "datasets", SHIPPED)
    for root in roots:
        if "/" not in name and "\\" not in name and (root / name / MANIFEST).is_file():
            return root / name
    for root in roots:
        if any(v.folder.name.startswith(name) or v.sha256.startswith(name) for v in list_versions(root)[0]):
            return find_version(root, name)
    known = ", ".join(v.folder.name for root in roots for v in list_versions(root)[0][:5]) or "none yet"
    raise DataError(f"There is no dataset version {name!r}.", fix=f"Give a folder or one of: {known}.")


def rows_for(
    version_folder: Path, part: str, pack: Pack, tokenizer_folder: Path, config: RunConfig, home: Path | None = None
) -> list[Row]:
    """The rows of "train" or "dev", ready to train on. See `render_rows`."""
    return render_rows(version_folder, part, pack, tokenizer_folder, config, home).rows


def render_rows(
    version_folder: Path, part: str, pack: Pack, tokenizer_folder: Path, config: RunConfig, home: Path | None = None
) -> RowsRendered:
    """The same with what was left out and why. With a `home` what was rendered before is taken from there.

    DataError for a locked part, a version that is not what it was, or one of another task; ModelError for a base whose
    tokenizer can't be read; InputError where no row at all is left.
    """
    if chat_end_token(load_tokenizer(tokenizer_folder)) is None:
        raise ModelError(f"{config.base} has no end token to learn.", fix="Set eos_token in its tokenizer.")
    version = _of_task(open_version(version_folder), pack)
    rows: list[Row] = []
    left_out: dict[str, list[str]] = {}
    places = first_places(version, part, config)
    for row in rendered(version, part, pack, tokenizer_folder, places=places, home=home):
        if row.reason:
            left_out.setdefault(row.reason, []).append(row.id)
        else:
            rows.append({"prompt": row.prompt, "completion": row.completion})
    if not rows:
        reasons = ", ".join(f"{len(ids)}: {reason}" for reason, ids in left_out.items()) or "it is empty"
        raise InputError(
            f"No row of {part} in {version_folder.name} can be learnt from ({reasons}).",
            fix="Take another version, or a base that reads longer texts.",
        )
    return RowsRendered(rows, {reason: tuple(ids) for reason, ids in left_out.items()})


def first_places(version: Version, part: str, config: RunConfig) -> range:
    """The rows of a part that a run looks at, by their place: of train the first `config.rows`, else all."""
    count = version.rows.get(part, 0)
    return range(min(count, config.rows) if config.rows and part == "train" else count)


def rendered(
    version: Version, part: str, pack: Pack, tokenizer_folder: Path, *, places: range, home: Path | None = None
) -> list[Rendered]:
    """The rows of a part at these places in the version's order, each rendered once where a `home` keeps it."""
    rows = rows_for_training(version, part)
    cache = RowCache(home, key_of(version.sha256, part, pack.path, tokenizer_folder)) if home else None
    kept = cache.read() if cache else {}
    missing = set(places) - kept.keys()
    if missing or not places:
        tokenizer = load_tokenizer(tokenizer_folder)
        budget, end = _budget(pack, tokenizer_folder), chat_end_token(tokenizer) or ""
        for at, row in enumerate(rows):
            if at in missing:
                kept[at] = _render(pack, _ask(pack, tokenizer, budget, row), tokenizer, end)
        if cache and missing:
            cache.write(kept)
    return [kept[at] for at in places]


def _render(pack: Pack, asked: Asked, tokenizer: Any, end: str) -> Rendered:
    answer = answer_of(pack, asked.row)
    reason = why_not(pack, asked) or (MARKER if end in answer or not plain(tokenizer, asked, answer) else "")
    return Rendered(
        id=asked.row.id,
        reason=reason,
        prompt=asked.prompt.text,
        completion=answer + end,
        prompt_ids=tuple(asked.prompt.token_ids),
        source_tokens=asked.context.source_tokens,
        cut_tokens=sum(part.tokens for part in asked.context.left_out if part.reason == "budget"),
    )


def asked_rows(version_folder: Path, part: str, pack: Pack, tokenizer_folder: Path) -> Iterator[Asked]:
    """Every row of train or dev with its prompt, in the version's order, whatever its context step left of it."""
    version = _of_task(open_version(version_folder), pack)
    tokenizer, budget = load_tokenizer(tokenizer_folder), _budget(pack, tokenizer_folder)
    for row in rows_for_training(version, part):
        yield _ask(pack, tokenizer, budget, row)


def _of_task(version: Version, pack: Pack) -> Version:
    if version.task != pack.name:
        raise DataError(f"{version.name} is of the task {version.task}, not {pack.name}.", fix="Give that task's rows.")
    return version


def _budget(pack: Pack, tokenizer_folder: Path) -> int:
    tokenizer = load_tokenizer(tokenizer_folder)
    return source_budget(pack, tokenizer, context_tokens(tokenizer_folder, tokenizer))


def _ask(pack: Pack, tokenizer: Any, budget: int, row: DataRow) -> Asked:
    def count(text: str) -> int:
        return len(encode(tokenizer, text))

    context = build_context(Source(row.source), pack.context, count, budget_tokens=budget)
    return Asked(row, gold_object(pack, row.gold), context, render_prompt(pack, context, tokenizer))


def sample_prompts(version: Path, pack: Pack, tokenizer_folder: Path, n: int = 2) -> list[SamplePrompt]:
    """The first `n` dev rows that have an answer, to be asked again and again while a run learns."""
    found: list[SamplePrompt] = []
    marker = pack.answer.end if pack.answer.kind == "text" else ""
    for asked in asked_rows(version, "dev", pack, tokenizer_folder):
        if len(found) == n:
            break
        if not why_not(pack, asked) and asserts_anything(pack, asked.gold):
            found.append(
                SamplePrompt(
                    row=asked.row.id,
                    source=asked.row.source,
                    prompt=asked.prompt.text,
                    max_new_tokens=pack.sampling.max_new_tokens,
                    stop_json=not marker,
                    marker=marker,
                )
            )
    return found


def answer_of(pack: Pack, row: DataRow) -> str:
    """The answer as the model is to write it, end marker of a text answer included."""
    if pack.answer.kind == "text" and isinstance(row.gold, dict):
        return write_sections(pack.answer, row.gold)
    return answer_text(row.gold)


def why_not(pack: Pack, asked: Asked) -> str:
    """Why a row can't be learnt from as it is shown; "" where it can."""
    if not asked.context.shown.strip():
        return NOTHING
    return DROPPED if any(_lost(pack, asked)) else ""


def plain(tokenizer: Any, asked: Asked, answer: str) -> bool:
    """Whether prompt and answer, tokenised as plain text, are the ids that are asked and no marker in the answer."""
    special = {*getattr(tokenizer, "all_special_ids", ())}
    special |= {at for at, token in getattr(tokenizer, "added_tokens_decoder", {}).items() if token.special}
    same = tuple(encode(tokenizer, asked.prompt.text)) == asked.prompt.token_ids
    return same and special.isdisjoint(encode(tokenizer, answer))


def source_budget(pack: Pack, tokenizer: Any, context: int) -> int:
    """Tokens for the source: the pack's, or less where prompt and answer leave less, as in a comparison."""
    room = room_for_source(pack, tokenizer, context, pack.sampling.max_new_tokens)
    return min(pack.context.budget_tokens, room)


def _lost(pack: Pack, asked: Asked) -> Iterator[bool]:
    """For each thing the answer says and the source holds: whether what is shown holds it no more.

    A text that stands in the source word for word must stand so in what is shown; anything else that the source
    supports (a duration, a yield, a keyword) must be supported still.
    """
    if not asked.context.left_out or not pack.answer.grounded:
        return
    source, shown = _spaced(asked.row.source), _spaced(asked.context.shown)
    rest: dict[str, Any] = {}
    for name, value in asked.gold.items():
        spec = pack.field(name)
        if spec is None or spec.comparator in ("ignore", "relevance"):
            continue
        texts = [_spaced(text) for text in _texts(spec.comparator, value)]
        yield any(text in source and text not in shown for text in texts)
        if spec.comparator in ("set", "duration", "yield") or not all(text in source for text in texts):
            rest[name] = value
    if rest:
        before, after = (ground_items(pack, rest, text) for text in (asked.row.source, asked.context.shown))
        yield any(had.supported and not has.supported for had, has in zip(before, after, strict=True))


def _texts(comparator: str, value: Any) -> list[str]:
    """What of a value is looked for word for word: an item each, sentences of a summary; nothing of a normal form."""
    if comparator in ("set", "duration", "yield"):
        return []
    texts = [text_of(item) for item in value] if isinstance(value, list) else [text_of(value)]
    return sentences(texts) if comparator == "summary" else [text for text in texts if text.strip()]


def _spaced(text: str) -> str:
    return " ".join(text.split())
