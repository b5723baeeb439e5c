"""What the compare tab shows of a run: frames and kept comparisons to HTML. No components, no events."""

from collections.abc import Sequence
from dataclasses import replace

from studio.actions.compare import Progress
from studio.queries.differences import differences
from studio.queries.kept import Kept
from studio.views import blind, columns, diff, marks, receipt, sweep, verdict
from studio.views.looks import ArmLook, arm_looks
from studio.views.markup import Html, el, html, plural
from training.task.pack import Pack
from training.task.records import Arm, ArmKind

SILENCE_S = 1.0
PLACES = (
    (Arm(ArmKind.BASE, "base"), "What the base model answers will stand here."),
    (
        Arm(ArmKind.ADAPTER, "fine-tuned", "adapter"),
        "What the fine-tuned model answers to the same text will stand here, at the same time.",
    ),
)


def empty_stage() -> list[Html]:
    """Before the first run: two places, who will stand where."""
    base, tuned = arm_looks([arm for arm, _ in PLACES])
    looks = (base, replace(tuned, note="the base model with its adapter"))
    return [columns.empty_column(look, words) for look, (_, words) in zip(looks, PLACES, strict=True)]


def running_stage(frame: Progress, pack: Pack) -> list[Html]:
    """Columns while they stream, left to right; a finished one is final while others still write."""
    looks = arm_looks([frame.arms[i] for i in frame.order], blind=frame.blind)
    return [running_column(frame, i, look, pack) for look, i in zip(looks, frame.order, strict=True)]


def running_column(frame: Progress, index: int, look: ArmLook, pack: Pack) -> Html:
    result, partial = frame.results[index], frame.partials[index]
    if result is not None:
        return columns.arm_column(result, look, pack)
    if partial is not None:
        ended = others_went_on(frame, index)
        return columns.partial_column(look, partial.text, partial.new_tokens, partial.elapsed_s, ended=ended)
    return columns.partial_column(look, note=waiting_words(frame))


def others_went_on(frame: Progress, index: int) -> bool:
    """Rows of a batch get a token a step: one that is silent for a second while others grow has said its last word."""
    mine = frame.partials[index]
    latest = max((partial.elapsed_s for partial in frame.partials if partial), default=0.0)
    return mine is not None and latest - mine.elapsed_s > SILENCE_S


def waiting_words(frame: Progress) -> str:
    if frame.ahead:
        return f"{plural(frame.ahead, 'run')} before yours"
    if frame.loading is None:
        return "waiting for its first token" if frame.context else "getting ready"
    text, fraction = frame.loading
    return text if fraction is None else f"{text}, {fraction:.0%}"


def failed_stage(arms: Sequence[Arm], message: str, fix: str) -> list[Html]:
    """A run that broke down: every column says why, none keeps a spinner."""
    return [columns.error_column(look, message, fix) for look in arm_looks(arms)]


def dress(kept: Kept) -> tuple[ArmLook, ...]:
    return arm_looks([arm["generation"]["arm"] for arm in kept.arms], blind=kept.hidden)


def done_stage(kept: Kept, pack: Pack | None) -> list[Html]:
    """The columns of a finished comparison; names stay hidden while its vote is open."""
    gold = None if kept.hidden else kept.data["gold"]
    return [columns.arm_column(arm, look, pack, gold=gold) for arm, look in zip(kept.arms, dress(kept), strict=True)]


def verdict_html(kept: Kept) -> Html:
    """The five-second line: which side can be used. In blind mode, what to do; after the vote, who was who."""
    if kept.hidden:
        return blind.vote_invitation()
    return html(voted_html(kept), sweep_line(kept), verdict.verdict_line(kept.arms, dress(kept)))


def sweep_line(kept: Kept) -> Html | None:
    arms = [arm["generation"]["arm"] for arm in kept.arms]
    if any(arm["temperature"] is None for arm in arms):
        return None
    name = arms[0]["adapter"] or {"base": "base", "prompted": "prompted base"}[arms[0]["kind"]]
    seed = int(kept.arms[0]["generation"]["sampling"]["seed"])
    return sweep.sweep_heading(name, tuple(arm["temperature"] for arm in arms), seed)


def voted_html(kept: Kept) -> Html | None:
    """After a vote: who was who, and how the two stand over all votes on this task and base."""
    if kept.winner is None:
        return None
    looks = dress(kept)
    if not kept.winner:
        told = el("p", "Names revealed without a vote.", cls="tt-lead")
    else:
        told = blind.reveal(looks, kept.winner)
    if kept.standing is None:
        return html(told, blind.tally_empty())
    s, by_label = kept.standing, {look.label: look for look in looks}
    left, right = by_label[s.tally.left], by_label[s.tally.right]
    return html(told, blind.tally_line(s.tally, left, right, rate=s.rate, low=s.low, high=s.high))


def diff_html(kept: Kept, pack: Pack | None) -> Html:
    """The differences, against the known answer where there is one."""
    looks, gold = dress(kept), kept.data["gold"]
    diffs = differences(kept.arms, gold, pack)
    if not diffs:
        words = "One column alone differs from nothing: tick a second one in the sidebar."
        return el("p", words if pack else "The task of this comparison is not here any more.", cls="tt-empty")
    return diff.arms_diff(kept.arms, looks, diffs, pack, gold=gold is not None)


def marks_html(kept: Kept, pack: Pack | None) -> Html:
    return marks.marked_source(kept.data["source"]["text"], kept.arms, dress(kept), pack)


def receipt_html(kept: Kept) -> Html:
    return receipt.receipt_html(kept.data["receipt"], dress(kept))


def receipt_line(kept: Kept) -> Html:
    """One line beside the buttons: how fair the comparison was."""
    found, seed = kept.data["receipt"], kept.arms[0]["generation"]["sampling"]["seed"]
    prompt = "prompts differ" if "prompt_sha256" in found["differs"] else "same prompt"
    differing = [name.removesuffix("_sha256").replace("_", " ") for name in found["differs"]]
    others = [f"the {name}" for name in differing if not name.startswith("prompt")]
    tail = f"; only {' and '.join(others)} differ{'s' if len(others) == 1 else ''}" if others else ""
    return el("span", f"{prompt}, seed {seed}{tail}", cls="tt-dim", title=receipt.receipt_words(found))


def recent(rows: Html, notices: Sequence[str]) -> Html:
    """The list, under whatever has to be told about it."""
    return html(*(el("p", text, cls="tt-note tt-note-warn") for text in notices), rows)
