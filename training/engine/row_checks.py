"""What a run would learn from, looked at before it starts: template, mask, lengths, and what of a page is left out.

Only the base's tokenizer is read. Rows are rendered as Compare renders a prompt (training.engine.run_rows) and become
tokens and masks by the code that training uses (training.engine.train_rows); the two are then held against each other.
Up to `MOST` rows spread over the part are looked at, and every figure says of how many; a longer row among those
that were not looked at is found when the run starts. What was seen is kept for the next look at the same rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from training.data.versions import read_version
from training.engine.base_tokenizer import context_tokens, load_tokenizer
from training.engine.row_cache import Rendered
from training.engine.row_tokens import RowToken
from training.engine.run_rows import Row, first_places, rendered
from training.engine.tokens import chat_end_token
from training.engine.train_rows import IGNORED, TokenRows, tokenize_rows
from training.errors import InputError, ModelError
from training.runs.config import RunConfig
from training.task.pack import Pack, load_pack

MOST = 400
NO_LIMIT = 10**9  # tokens


@dataclass(frozen=True, slots=True)
class RowsSeen:
    """The rows that were looked at. `tokens` has one entry a row of `rows`, none left out for its length.

    `left_out` counts rows that can't be learnt from by reason. `cut` rows had parts left out for want of room, which
    held `cut_tokens` of all `source_tokens`. A fault is "" where there is none.
    """

    n_rows: int  # in the part, or the first of it that the run takes
    looked_at: int
    rows: tuple[Row, ...]
    tokens: TokenRows | None
    left_out: Mapping[str, int]
    cut: int
    cut_tokens: int
    source_tokens: int
    context_tokens: int  # what the base reads in all
    template_fault: str = ""
    mask_fault: str = ""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each row, prompt and answer."""
        return self.tokens.lengths if self.tokens else []

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Of each row its tokens, and how many of them are its answer's."""
        labels = self.tokens.labels if self.tokens else []
        return [(len(row), sum(label != IGNORED for label in row)) for row in labels]

    def longest_of(self, share: float) -> int:
        """The length that this share of the rows stays within; 0 where there are none."""
        lengths = sorted(self.lengths)
        return lengths[min(len(lengths) - 1, int(share * len(lengths)))] if lengths else 0

    def too_long(self, most: int) -> int:
        return sum(length > most for length in self.lengths)

    def usable(self, config: RunConfig) -> int:
        """Rows that the run would learn from, reckoned from those that were looked at."""
        fit = len(self.rows) - self.too_long(config.max_length)
        return round(self.n_rows * fit / self.looked_at) if self.looked_at else 0


class _Key(NamedTuple):
    """Everything the look depends on; nothing of how the run learns."""

    version: Path
    sha256: str
    pack: Path
    pack_time: int
    tokenizer: Path
    most: int
    rows: int
    home: Path | None


def see_rows(
    version_folder: Path,
    pack: Pack,
    tokenizer_folder: Path,
    *,
    most: int = MOST,
    rows: int = 0,
    home: Path | None = None,
) -> RowsSeen:
    """Look at up to `most` of the first `rows` train rows (0: of all); with a `home` what is rendered is kept.

    ModelError where the base's tokenizer can't be used; DataError for the version.
    """
    stamp = max(path.stat().st_mtime_ns for path in (pack.path / "task.yaml", pack.path / "output_schema.json"))
    sha256 = read_version(version_folder).sha256
    return _see(_Key(version_folder, sha256, pack.path, stamp, tokenizer_folder, most, rows, home))


@lru_cache(maxsize=4)
def _see(key: _Key) -> RowsSeen:
    pack, tokenizer = load_pack(key.pack), load_tokenizer(key.tokenizer)
    end = chat_end_token(tokenizer)
    if end is None:
        raise ModelError(f"{key.tokenizer.name} has no end token to learn.", fix="Set eos_token in its tokenizer.")
    version = read_version(key.version)
    n_rows = len(first_places(version, "train", RunConfig(rows=key.rows)))
    places = range(0, n_rows, max(1, -(-n_rows // key.most)))
    looked = rendered(version, "train", pack, key.tokenizer, places=places, home=key.home)
    sound = [row for row in looked if not row.reason]
    left_out: dict[str, int] = {}
    for row in looked:
        if row.reason:
            left_out[row.reason] = left_out.get(row.reason, 0) + 1
    seen = RowsSeen(
        n_rows=n_rows,
        looked_at=len(looked),
        rows=tuple({"prompt": row.prompt, "completion": row.completion} for row in sound),
        tokens=None,
        left_out=left_out,
        cut=sum(row.cut_tokens > 0 for row in looked),
        cut_tokens=sum(row.cut_tokens for row in looked),
        source_tokens=sum(row.source_tokens for row in looked),
        context_tokens=context_tokens(key.tokenizer, tokenizer),
    )
    return _with_tokens(seen, sound, tokenizer, end)


def _with_tokens(seen: RowsSeen, sound: list[Rendered], tokenizer: Any, end: str) -> RowsSeen:
    """Tokens and masks as training makes them, and whether they are what Compare asks and what is to be learnt."""
    if not seen.rows:
        return seen
    try:
        tokens = tokenize_rows(seen.rows, tokenizer, RunConfig(max_length=NO_LIMIT, too_long="error"))
    except InputError as err:
        return replace(seen, mask_fault=f"{err} {err.fix}")
    return replace(
        seen,
        tokens=tokens,
        template_fault=_template_fault(sound, tokens),
        mask_fault=_mask_fault(sound, tokens, tokenizer, end),
    )


def _template_fault(sound: list[Rendered], tokens: TokenRows) -> str:
    """The first row whose prompt is not, id for id, the one that Compare gives the model."""
    for row, ids, labels in zip(sound, tokens.input_ids, tokens.labels, strict=True):
        prompt = [at for at, label in zip(ids, labels, strict=True) if label == IGNORED]
        wanted = list(row.prompt_ids)
        if prompt != wanted:
            at = next((n for n, pair in enumerate(zip(prompt, wanted, strict=False)) if pair[0] != pair[1]), -1)
            where = f"from token {at + 1} on" if at >= 0 else f"{len(prompt)} tokens to {len(wanted)}"
            return f"Row {row.id} is learnt after another prompt than Compare gives the model ({where})."
    return ""


def _mask_fault(sound: list[Rendered], tokens: TokenRows, tokenizer: Any, end: str) -> str:
    """The first row whose learnt tokens are not its answer and one end token, in one piece at the end."""
    end_id = tokenizer.convert_tokens_to_ids(end)
    for row, labels in zip(sound, tokens.labels, strict=True):
        start = next((n for n, label in enumerate(labels) if label != IGNORED), len(labels))
        learnt = labels[start:]
        text = tokenizer.decode(learnt, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        if IGNORED in learnt or text != row.completion:
            return f"Row {row.id}: what is learnt reads {text[-60:]!r}, the answer ends {row.completion[-60:]!r}."
        if learnt.count(end_id) != 1 or learnt[-1] != end_id:
            return f"Row {row.id}: its answer holds {learnt.count(end_id)} end tokens, and ends {text[-20:]!r}."
    return ""


def coloured(seen: RowsSeen, tokenizer_folder: Path, config: RunConfig, n: int = 3) -> tuple[tuple[RowToken, ...], ...]:
    """The tokens of the shortest, the middle and the longest row that fits (of `n`), each with whether it is learnt."""
    if seen.tokens is None:
        return ()
    tokenizer = load_tokenizer(tokenizer_folder)
    fitting = sorted((length, at) for at, length in enumerate(seen.lengths) if length <= config.max_length)
    places = sorted({round(k * (len(fitting) - 1) / max(1, n - 1)) for k in range(n)}) if fitting else []
    return tuple(
        tuple(
            RowToken(
                token, tokenizer.decode([token], skip_special_tokens=False), not config.answer_only or label != IGNORED
            )
            for token, label in zip(seen.tokens.input_ids[at], seen.tokens.labels[at], strict=True)
        )
        for at in (fitting[place][1] for place in places)
    )
