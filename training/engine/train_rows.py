"""Rows of {"prompt", "completion"} as token ids and a loss mask that was looked at before it is trusted.

Prompt and completion are tokenised apart and joined as ids: the model is trained on the very ids it sees when it
answers, whatever the tokenizer would merge across the border. Nothing is truncated.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.engine.tokens import chat_end_token, encode
from training.engine.train_job import Row
from training.errors import InputError
from training.runs.config import RunConfig

IGNORED = -100  # what torch's cross entropy leaves out
_CHECKED_ROWS = 64


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Rows ready to train on. `labels[i]` equals `input_ids[i]` where a token is learnt and is IGNORED elsewhere.

    Learnt are the completion's tokens, its end token included; with `answer_only` off the prompt's as well.
    """

    input_ids: list[list[int]]
    labels: list[list[int]]
    dropped: int  # rows over max_length
    sha256: str  # over the rows' texts, in order

    @property
    def lengths(self) -> list[int]:
        return [len(ids) for ids in self.input_ids]


def read_rows(rows: Path | Sequence[Row], name: str = "Row") -> list[Row]:
    """Rows from memory or from a JSONL file, each checked to hold two non-empty strings."""
    if not isinstance(rows, Path):
        found: list[Any] = list(rows)
    else:
        try:
            lines = rows.read_text("utf-8").splitlines()
        except OSError as err:
            raise InputError(f"{rows} can't be read: {err.strerror}.", fix="Give a JSONL file of rows.") from err
        try:
            found = [json.loads(line) for line in lines if line.strip()]
        except json.JSONDecodeError as err:
            raise InputError(f"{rows} holds a line that is no JSON: {err}.", fix="One object a line.") from err
    if not found:
        raise InputError("There are no rows to train on.", fix="Give at least one prompt with its completion.")
    for n, row in enumerate(found):
        if not all(isinstance(row.get(key), str) and row[key] for key in ("prompt", "completion")):
            raise InputError(f"{name} {n} lacks a prompt or a completion.", fix="Both are non-empty text.")
    return found


def tokenize_rows(rows: Path | Sequence[Row], tokenizer: Any, config: RunConfig, name: str = "Row") -> TokenRows:
    """All rows as ids and labels. InputError for a row without end token, with a doubled BOS, or too long.

    `name` is what a row is called in an error.
    """
    found = read_rows(rows, name)
    end = chat_end_token(tokenizer)
    if end is None:
        raise InputError("The base has no end token to learn.", fix="Set eos_token in its tokenizer.")
    ids: list[list[int]] = []
    labels: list[list[int]] = []
    kept: list[Row] = []
    for n, row in enumerate(found):
        if not row["completion"].rstrip("\n").endswith(end):
            raise InputError(f"{name} {n}'s completion does not end with {end!r}.", fix="Append the end token to each.")
        prompt, completion = encode(tokenizer, row["prompt"]), encode(tokenizer, row["completion"])
        _check_bos(f"{name} {n}", prompt, completion, tokenizer.bos_token_id)
        if len(prompt) + len(completion) > config.max_length:
            if config.too_long == "error":
                _refuse_long(f"{name} {n}", len(prompt) + len(completion), config.max_length)
            continue
        ids.append(prompt + completion)
        labels.append(([IGNORED] * len(prompt) if config.answer_only else prompt) + completion)
        kept.append(row)
    if not ids:
        raise InputError(f"No {name.lower()} fits into {config.max_length} tokens.", fix="Raise max_length.")
    result = TokenRows(ids, labels, len(found) - len(ids), hash_rows(found))
    if config.answer_only:
        check_masks(kept, result, tokenizer)
    return result


def _refuse_long(name: str, tokens: int, limit: int) -> None:
    raise InputError(
        f"{name} takes {tokens} tokens, more than max_length {limit}; cut short it would teach a wrong end.",
        fix="Raise max_length, or set too_long to drop to leave such rows out.",
    )


def _check_bos(name: str, prompt: list[int], completion: list[int], bos: int | None) -> None:
    if bos is None:
        return
    if prompt[:2] == [bos, bos] or completion[:1] == [bos]:
        raise InputError(f"{name} holds a second BOS.", fix="Render the template once; it brings its own BOS.")


def hash_rows(rows: Iterable[Row]) -> str:
    """Hex SHA-256 over every prompt and completion, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row["prompt"], row["completion"]], ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def check_masks(rows: Sequence[Row], tokens: TokenRows, tokenizer: Any) -> None:
    """Decode what carries loss and what does not, on up to 64 rows spread over the set; any difference is an error."""
    stride = max(1, len(rows) // _CHECKED_ROWS)
    for n in range(0, len(rows), stride):
        learned = [i for i in tokens.labels[n] if i != IGNORED]
        masked = [i for i, label in zip(tokens.input_ids[n], tokens.labels[n], strict=True) if label == IGNORED]
        for part, found in (("completion", learned), ("prompt", masked)):
            text = tokenizer.decode(found, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            if text != rows[n][part]:
                raise InputError(
                    f"Row {n}: the {part}'s tokens read {text[-60:]!r}, the text ends {rows[n][part][-60:]!r}.",
                    fix="The tokenizer changes the text, or the mask is wrong: look at this row before training.",
                )
