"""How the answers to the fixed dev posts change while a run learns. Pure: records (JSON form) in, HTML out.

The answers are a model's words and the posts a stranger's: both leave here as inert text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.chips import chip
from studio.views.markup import Html, el, html, insight, note
from studio.views.words import Verdict

Record = Mapping[str, Any]
TIERS = {
    "strict": Verdict("ok", "strict"),
    "extracted": Verdict("warn", "other text around it"),
    "repaired": Verdict("warn", "needed repair"),
    "repaired_truncated": Verdict("warn", "cut short, repaired"),
    "failed": Verdict("bad", "not in form"),
}
ENDS = {"length": "cut off at its token budget", "cancelled": "cancelled", "error": "failed"}
NONE = "No sample yet. With Sample answers above 0, two dev posts are answered every so many steps and stand here."
SHOWN_CHARS = 6000


def samples_html(samples: Sequence[Record]) -> Html:
    """Post by post, the answers in the order of steps; the latest open, the earlier ones folded."""
    if not samples:
        return note(NONE)
    rows = list(dict.fromkeys(str(sample["row"]) for sample in samples))
    posts = [_post(at, [s for s in samples if s["row"] == row]) for at, row in enumerate(rows, start=1)]
    return el("div", insight(samples_words(samples)), *posts, cls="tt-data tt-samples")


def samples_words(samples: Sequence[Record]) -> str:
    """When the answers first came in the task's form, in one sentence with its denominator."""
    rows = {str(sample["row"]) for sample in samples}
    strict = [sample for sample in samples if sample["tier"] == "strict"]
    if not strict:
        return f"None of {len(samples):,} answers to {len(rows)} dev posts is strict yet."
    first = min(int(sample["step"]) for sample in strict)
    last = max(int(sample["step"]) for sample in samples)
    now = sum(sample["tier"] == "strict" for sample in samples if int(sample["step"]) == last)
    of = sum(int(sample["step"]) == last for sample in samples)
    return f"The first strict answer came at step {first:,}; at step {last:,} {now} of {of} are strict."


def _post(at: int, answers: Sequence[Record]) -> Html:
    latest = max(answers, key=lambda answer: int(answer["step"]))
    earlier = sorted((a for a in answers if a is not latest), key=lambda a: int(a["step"]), reverse=True)
    face = el("summary", el("span", f"Dev post {at}"), el("span", str(latest["row"])[:16], cls="tt-dim"))
    source = el("details", face, _text(str(latest["source"])), cls="tt-group tt-row")
    shown = [_answer(latest, opened=True), *(_answer(answer, opened=False) for answer in earlier)]
    return el("section", source, *shown, cls="tt-sample")


def _answer(answer: Record, *, opened: bool) -> Html:
    verdict = TIERS.get(str(answer["tier"]), Verdict("quiet", str(answer["tier"])))
    step = "before training" if int(answer["step"]) == 0 else f"step {int(answer['step']):,}"
    ended = ENDS.get(str(answer["finish"]), "")
    face = el(
        "summary", el("span", step, cls="tt-num"),
        html(el("span", f"{ended} " if ended else "", cls="tt-dim"), chip(verdict)),
    )  # fmt: skip
    raw = str(answer["raw"])
    text = _text(raw) if raw.strip() else note("It answered nothing.")
    return el("details", face, text, cls="tt-group tt-row", open=opened)


def _text(text: str) -> Html:
    cut = f"\n… {len(text) - SHOWN_CHARS:,} more characters" if len(text) > SHOWN_CHARS else ""
    return el("pre", text[:SHOWN_CHARS] + cut, cls="tt-raw tt-text", dir="auto", tabindex="0")
