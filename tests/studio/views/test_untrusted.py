"""Hostile text goes through every view and stays text: the page it builds is the one that harmless words build."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from studio.views import (
    blind,
    card,
    chips,
    columns,
    context,
    diff,
    export_html,
    header,
    history,
    looks,
    marks,
    panes,
    receipt,
    status,
    sweep,
    verdict,
)
from studio.views.markup import Html, el, esc, fold, html, short_hash
from tests.studio.views import samples
from tests.studio.views.pages import Page
from training.task.records import (
    Arm,
    ArmKind,
    ArmResult,
    Context,
    FinishReason,
    Item,
    LeftOut,
    Parsed,
    Receipt,
    SchemaError,
    Score,
    Source,
    Tier,
    to_json,
)

NOW = datetime(2026, 11, 20, tzinfo=UTC)
HARMLESS = "harmless words"
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "single quote": "' autofocus onfocus='alert(1)",
    "closing tags": "</pre></div></details></style></title></section><h1>mine</h1>",
    "comment": "<!-- <![CDATA[ ]]> --> <?php ?>",
    "svg": "<svg/onload=alert(1)><style>*{display:none}</style>",
    "template": "${alert(1)} `${alert(1)}` {{x}} {{{x}}} {% x %} <%= x %> \\${x}",
    "markdown": "[a](javascript:alert(1)) ![x](//x.example/x.png) `c`",
    "entity": "&lt;script&gt; &#60;b&#62; &amp;amp;",
    "ansi": "\x1b[31m \x1b]8;;x\x07y \x9b31m\x7f",
    "bidi": "abc\u202ecba\u202c \u2066x\u2069 \u200e\u200f\u061c",
    "null": "a\x00b\x00",
    "invisible tags": "a\U000e0041\U000e0042",
    "surrogate": "a\ud800b\udfff",
    "lines": "a\rb\u2028c\u2029d",
}


def arm(text: str) -> Arm:
    return Arm(ArmKind.ADAPTER, text, text)


def result(text: str, tier: Tier = Tier.STRICT) -> ArmResult:
    """One column with `text` in every place that a model, a file or an adapter's author can write to."""
    obj: dict[str, Any] = {
        "name": text,
        "description": text,
        "recipeIngredient": [text, {"a": text}],
        "recipeInstructions": [{"@type": "HowToStep", "text": text}],
        "cookTime": text,
        "recipeYield": {"x": text},
        text: [text, {text: text}],
    }
    parsed = Parsed(tier, None if tier is Tier.FAILED else obj, 1, 0, 0, 2, 0.5, text)
    if tier is Tier.EXTRACTED:
        parsed = replace(parsed, prefix_chars=3, suffix_chars=3)
    base = samples.result(arm(text), json.dumps(obj), FinishReason.EOS, parsed=parsed)
    proof = replace(base.generation.proof, adapter_state=text, adapter_sha256=text, passed=tier is Tier.STRICT)
    return replace(
        base,
        generation=replace(base.generation, raw=text + "{" + text, proof=proof, device=text, dtype=text),
        schema_errors=(SchemaError(text, text, text, text),),
        scores=(Score(text, 0.5, text, text, 3, text), Score(text, 0.5, text, "scored", 3, text)),
        items=(
            Item("name", 0, text, True, ((0, 4),)),
            Item(text, 0, text, False),
            Item("recipeIngredient", 0, text, False, ((2, 9),)),
        ),
    )


def seen(text: str) -> Context:
    return Context(text, (LeftOut(text, text, 3), LeftOut(text, "advert", 3)), 10, 5, 7, True)


def fairness(text: str) -> Receipt:
    return Receipt({text: text, "versions": {text: text}}, {text: {text: text}})


def whole(text: str) -> str:
    comparison = replace(
        samples.comparison(result(text), result(text, Tier.FAILED), gold={text: text, "name": text}, source=text * 3),
        id=text,
        created=text,
        task=text,
        base=text,
        context=seen(text),
        receipt=fairness(text),
        versions={text: text},
        source=Source(text * 3, origin=text),
    )
    return export_html.export_page(comparison, "b{}", samples.PACK, differences(text))


def differences(text: str) -> list[list[samples.Diff] | None]:
    kinds = ("same", "added", "removed", "changed", "wrong_type", "missing")
    found = [samples.Diff(text, i, kind, text, {text: text}) for i, kind in enumerate(kinds)]
    return [[*found, samples.Diff("name", 0, "added", None, text)], None]


def look(text: str) -> looks.ArmLook:
    return looks.arm_looks([arm(text)])[0]


def row(text: str) -> dict[str, Any]:
    return {"id": text, "created": text, "task": text, "base": text, "title": text, "arms": [text]}


def state(text: str) -> dict[str, Any]:
    return {"device": text, "dtype": text, "cores": 2, "memory_used_bytes": 1, "memory_total_bytes": 2} | {
        "base": text,
        "adapters": [text],
        "state": "generating",
        "waiting": 1,
    }


TALLY = {"left_wins": 3, "right_wins": 1, "ties": 1}
VIEWS: dict[str, Callable[[str], str]] = {
    **{
        f"column {tier}": lambda t, tier=tier: columns.arm_column(result(t, tier), look(t), samples.PACK)
        for tier in Tier
    },
    "column without its pack": lambda t: columns.arm_column(result(t), look(t), gold={t: t, "prepTime": t}),
    "column streaming": lambda t: columns.partial_column(look(t), t, 3, 1.0),
    "column waiting": lambda t: columns.partial_column(look(t), note=t),
    "column empty": lambda t: columns.empty_column(look(t), t),
    "column broken": lambda t: columns.error_column(look(t), t, t),
    "card": lambda t: card.object_card({"name": t, "recipeIngredient": t, "cookTime": [t]}, samples.PACK),
    "json": lambda t: panes.json_html(result(t)),
    "raw": lambda t: panes.raw_html(result(t)),
    "raw, object inside text": lambda t: panes.raw_html(result(t, Tier.EXTRACTED)),
    "chips": lambda t: html(chips.trust_chips(to_json(result(t))), chips.work_line(to_json(result(t)))),
    "differences": lambda t: diff.diff_table(look(t), [look(t), look(t)], differences(t), samples.PACK),
    "differences of arms": lambda t: diff.arms_diff(
        [to_json(result(t))] * 3, [look(t)] * 3, differences(t), samples.PACK, gold=False
    ),
    "marked source": lambda t: marks.marked_source(t * 3, [result(t), result(t)], [look(t), look(t)], samples.PACK),
    "context": lambda t: context.context_html(seen(t)),
    "receipt": lambda t: receipt.receipt_html(fairness(t), [look(t)]),
    "status": lambda t: status.status_bar(state(t), doing=t),
    "history": lambda t: history.history_list([row(t)], NOW, current=t),
    "verdict": lambda t: verdict.verdict_line([result(t)], [look(t)]),
    "reveal": lambda t: blind.reveal([look(t), look(t)], t),
    "tally": lambda t: blind.tally_line(TALLY, look(t), look(t), rate=0.75, low=0.6, high=0.9),
    "sweep": lambda t: sweep.sweep_heading(t, (0.3, 1.0), 7),
    "header": header.header_html,
    "export": whole,
    "fold": lambda t: fold(t + " word" * 99, 80),
    "hash": short_hash,
}
FREE = {"title", "aria-label", "data-l", "datetime", "href"}  # attributes that may hold words of others
UNSAFE = [
    chr(c) for c in (*range(9), 11, 12, 13, *range(14, 32), *range(127, 160), 0x202E, 0x2066, 0x200F, 0x2028, 0xE0041)
]


def skeleton(page: Page) -> list[tuple[str, tuple[tuple[str, str | None], ...]]]:
    """Elements in order; of attributes that may hold words of others only the name."""
    return [
        (tag, tuple(sorted((name, None if name in FREE else value) for name, value in attrs.items())))
        for tag, attrs in page.elements
    ]


@cache
def harmless(name: str) -> frozenset[Any]:
    return frozenset(skeleton(Page(VIEWS[name](HARMLESS))))


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("name", VIEWS)
def test_hostile_text_builds_the_same_page_as_harmless_words(name: str, attack: str) -> None:
    markup = VIEWS[name](HOSTILE[attack])
    shown = Page(markup)
    # A text with commas in it may make another number of words, never another kind of element.
    assert set(skeleton(shown)) == harmless(name)
    assert shown.depth == 0
    assert not any(attribute.startswith("on") for _, attrs in shown.elements for attribute in attrs)
    assert all((attrs.get("href") or "?comparison=").startswith("?comparison=") for _, attrs in shown.elements)
    # Nothing for a template, a terminal or a reader to act on, and nothing that would break the wire.
    ours = markup.replace("<style>b{}", "")
    assert not [sign for sign in ("${", "{{", "{%", "`", "<%", "\\") if sign in ours]
    assert not [hex(ord(char)) for char in UNSAFE if char in ours]
    assert ours.encode("utf-8")


@pytest.mark.parametrize("attack", ["script", "image", "closing tags", "template", "markdown", "entity"])
def test_hostile_text_is_still_read_as_it_is(attack: str) -> None:
    text = HOSTILE[attack]
    assert text in Page(panes.raw_html(result(text))).text
    assert text in Page(card.no_card(text)).text


def test_every_view_is_tried() -> None:
    """A new public view that returns HTML has to stand in VIEWS."""
    modules = [
        blind,
        card,
        chips,
        columns,
        context,
        diff,
        export_html,
        header,
        history,
        marks,
        panes,
        receipt,
        status,
        sweep,
        verdict,
    ]
    public = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and getattr(value, "__module__", "") == module.__name__
        and value.__annotations__.get("return") in (Html, str)
    }
    said_by_us = {  # take no words of others, or are parts of a view above
        "blind.tally_empty", "blind.vote_invitation", "card.nothing_here", "card.repaired_note", "card.no_card",
        "card.card_html", "chips.chip", "chips.score_words", "columns.columns_row", "columns.pane_switch",
        "context.context_empty", "context.context_summary", "context.reason_words", "history.ago", "panes.object_json",
        "receipt.receipt_json",
        "receipt.receipt_words", "status.memory_words", "sweep.sweep_label", "sweep.sweep_words",
    }  # fmt: skip
    tried = {
        "blind.reveal", "blind.tally_line", "card.object_card", "chips.trust_chips", "chips.work_line",
        "columns.arm_column", "columns.partial_column", "columns.empty_column", "columns.error_column",
        "context.context_html", "diff.arms_diff", "diff.diff_table", "export_html.export_page", "header.header_html",
        "history.history_list", "marks.marked_source", "panes.json_html", "panes.raw_html", "receipt.receipt_html",
        "status.status_bar", "sweep.sweep_heading", "verdict.verdict_line",
    }  # fmt: skip
    assert public == said_by_us | tried


def test_joining_safe_markup_with_plain_text_is_escaped_again() -> None:
    joined = esc("<b>") + "<i>"
    assert not isinstance(joined, Html)
    assert el("p", joined) == "<p>&amp;lt;b&amp;gt;&lt;i&gt;</p>"


def test_attributes_cannot_be_left_by_quotes() -> None:
    assert Page(el("p", title="\"' onclick=x")).elements == [("p", {"title": "\"' onclick=x"})]
