"""The part of a preflight that looks at rows as tokens: template, mask, lengths, context step, and the run's length."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from training.runs.config import DEFAULTS, RunConfig
from training.runs.records import Check

if TYPE_CHECKING:
    from training.engine.row_checks import RowsSeen

MANY_PASSES = 20  # over all rows; more is learning by heart
LITTLE_USE = 0.1  # of the rows left out: worth a look
LARGE_RANK = 256
LOUD = 4.0  # alpha over rank


def row_checks(config: RunConfig, seen: "RowsSeen") -> Iterator[Check]:
    """One check after another; the figures are of the rows that were looked at."""
    of = _of(seen)
    yield from _template(seen, of)
    yield from _mask(config, seen, of)
    yield from _lengths(config, seen, of)
    yield from _left_out(seen, of)


def _of(seen: "RowsSeen") -> str:
    return f"of {seen.looked_at:,} rows looked at" if seen.looked_at < seen.n_rows else f"of {seen.n_rows:,} train rows"


def answer_checks(seen: "RowsSeen", most: int) -> Iterator[Check]:
    """Answers against the `most` tokens that the task lets a model write: a longer one is learnt and never given."""
    lengths = [learnt - 1 for _, learnt in seen.sizes]  # the end token aside
    if not lengths:
        return
    long, longest = sum(length > most for length in lengths), max(lengths)
    if not long:
        words = f"Every answer can be written whole: the longest takes {longest:,} of {most:,} tokens."
        yield Check("answer length", "ok", words)
        return
    words = f"The answers of {long:,} {_of(seen)} ({long / len(lengths):.1%}) take more than {most:,} tokens, the "
    words += f"longest {longest:,}: the task lets a model write no more, so they are learnt and never given whole."
    fix = "Raise max_new_tokens in the task's task.yaml, or build the version with the length gate, to leave them out."
    yield Check("answer length", "warn", words, fix)


def _template(seen: "RowsSeen", of: str) -> Iterator[Check]:
    if seen.template_fault:
        fix = "This base's template can't be trained on as it is: take another base, or report this."
        yield Check("template", "stop", seen.template_fault, fix)
    elif seen.rows:
        words = f"Training and Compare give the model the same prompt, byte for byte: {len(seen.rows):,} {of}."
        yield Check("template", "ok", words)


def _mask(config: RunConfig, seen: "RowsSeen", of: str) -> Iterator[Check]:
    if not config.answer_only:
        yield Check("mask", "warn", "The prompt is learnt too: answer_only is false.", "Set answer_only to true.")
    elif seen.mask_fault:
        yield Check("mask", "stop", seen.mask_fault, "Look at this row; the tokenizer changes its text.")
    elif seen.rows:
        words = f"Learnt are the answer and its one end token, nothing else: {len(seen.rows):,} {of}."
        yield Check("mask", "ok", words)


def _lengths(config: RunConfig, seen: "RowsSeen", of: str) -> Iterator[Check]:
    if not seen.lengths:
        return
    long, longest, usual = seen.too_long(config.max_length), max(seen.lengths), seen.longest_of(0.95)
    if config.max_length > seen.context_tokens and longest > seen.context_tokens:
        yield Check(
            "answers fit", "stop", f"A row takes {longest:,} tokens; this base reads {seen.context_tokens:,} in all.",
            f"Set max_length to {seen.context_tokens} and too_long to drop, or take a base that reads more.",
        )  # fmt: skip
        return
    if not long:
        words = (
            f"All rows fit: 95 of 100 take up to {usual:,} tokens, the longest {longest:,} of {config.max_length:,}."
        )
        yield Check("answers fit", "ok", words)
        return
    share = f"{long:,} {of} ({long / len(seen.lengths):.1%}) take more than {config.max_length:,} tokens"
    fix = f"Raise max_length to {min(longest, seen.context_tokens)}"
    if long == len(seen.lengths):
        yield Check("answers fit", "stop", f"No row fits into {config.max_length:,} tokens.", f"{fix}.")
    elif config.too_long == "error":
        words = f"{share}; cut short they would teach a wrong end."
        yield Check("answers fit", "stop", words, f"{fix}, or set too_long to drop.")
    else:
        yield Check("answers fit", "warn", f"{share} and are left out.", f"{fix} to keep them.")


def _left_out(seen: "RowsSeen", of: str) -> Iterator[Check]:
    reasons = ", ".join(f"{count:,}: {reason}" for reason, count in seen.left_out.items())
    if not seen.rows:
        fix = "Take another version, or a base that reads longer texts."
        yield Check("context step", "stop", f"No row can be learnt from ({reasons or 'there is none'}).", fix)
        return
    lost = seen.cut_tokens / max(1, seen.source_tokens)
    words = (
        f"The sources of {seen.cut:,} {of} ({seen.cut / seen.looked_at:.1%}) are shortened to fit; {lost:.1%} of all "
    )
    words += "source text is not shown."
    if seen.left_out:
        words += f" Left out of the run: {reasons}."
    left = sum(seen.left_out.values()) / seen.looked_at
    if left > LITTLE_USE:
        fix = "Look at these rows: a base that reads longer texts, or shorter sources, would keep them."
        yield Check("context step", "warn", words, fix)
    else:
        yield Check("context step", "ok", words)


def length_checks(config: RunConfig, rows: int) -> Iterator[Check]:
    """Steps against rows: how often each is seen, and what would never happen."""
    steps = config.steps_of(rows)
    passes = steps * config.batch_size * config.grad_accumulation / rows
    words = f"{steps:,} steps of {config.batch_size * config.grad_accumulation:,} rows: each of about {rows:,} rows is "
    words += f"seen {passes:.2g} times."
    if passes > MANY_PASSES:
        yield Check("steps", "warn", words, "So often they are learnt by heart: fewer steps, or more rows.")
    else:
        yield Check("steps", "ok", words)
    if steps > 1 and config.warmup_steps(steps) >= steps:
        words = f"The rate rises for {config.warmup_steps(steps):,} steps, and the run has {steps:,}."
        yield Check("warm-up", "stop", words, f"Set warmup to a share such as 0.1, or below {steps}.")
    for name in ("eval_steps", "sample_steps"):
        every = getattr(config, name)
        if every > steps:
            words = f"{name} is {every:,}, and the run has {steps:,} steps: it would never come to that."
            stops = name == "eval_steps" and config.early_stopping
            yield Check(name, "stop" if stops else "warn", words, f"Set {name} to {max(1, steps // 5)}, or to 0.")


def adapter_checks(config: RunConfig) -> Iterator[Check]:
    """Values that work and seldom help, or that nothing reads."""
    if config.method == "full":
        words = f"rank {config.rank} and alpha {config.alpha} are an adapter's: method full moves all weights, and "
        words += "reads neither."
        untouched = all(getattr(config, name) == DEFAULTS[name] for name in ("rank", "alpha"))
        yield Check("rank", "ok" if untouched else "warn", words, "Pick another method to train an adapter.")
        if config.learning_rate > 3e-4:
            words = f"learning_rate is {config.learning_rate:g} with all weights moving: the base forgets quickly so."
            yield Check("learning rate", "warn", words, "Set it to 5e-5 or less.")
        return
    if not config.comparable:
        words = (
            f"Compare can't answer with it: {config.method} rescales the base's own weights, so it can't answer beside "
        )
        words += "its base. It is trained, scored and kept all the same."
        yield Check("method", "warn", words, "Set method to lora or rslora to open the adapter in Compare.")
    if config.rank > LARGE_RANK:
        words = f"rank is {config.rank}: so large an adapter takes long and learns rows by heart."
        yield Check("rank", "warn", words, "16 to 128 is usual.")
    scale = config.alpha / (config.rank**0.5 if config.method == "rslora" else config.rank)
    if scale > 4 * LOUD if config.method == "rslora" else scale > LOUD:
        words = f"alpha {config.alpha} over rank {config.rank} scales the adapter {scale:.3g} times."
        yield Check("alpha", "warn", words, "One to two times the rank is usual; more makes the loss jump.")
    elif scale < 1 / LOUD:
        words = f"alpha {config.alpha} over rank {config.rank} leaves {scale:.2g} of the adapter: it is hardly heard."
        yield Check("alpha", "warn", words, f"Set alpha to {config.rank}.")
    if config.learning_rate > 1e-2:
        words = f"learning_rate is {config.learning_rate:g}: steps so large seldom find anything."
        yield Check("learning rate", "warn", words, "2e-5 to 3e-3 is usual.")
