"""One comparison as one HTML page: opens offline, no script, nothing fetched, light or dark as the reader likes."""

from collections.abc import Mapping, Sequence
from typing import Any

from studio.views.columns import arm_column, columns_row, pane_switch
from studio.views.context import context_html
from studio.views.diff import arms_diff
from studio.views.looks import ArmLook, arm_looks
from studio.views.marks import marked_source
from studio.views.markup import Html, el, html, short_hash
from studio.views.reading import PackLike, compact
from studio.views.receipt import receipt_html
from studio.views.verdict import verdict_line
from studio.views.words import moment
from training.task.records import Comparison, to_json

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def export_page(
    comparison: Comparison | Mapping[str, Any],
    css: str,
    pack: PackLike | None = None,
    diffs: Sequence[Sequence[Any] | None] | None = None,
) -> str:
    """The whole page. `css` is `studio.theme.export_css()`; `diffs` as in `arms_diff`: against gold where there is
    one (one entry an arm), else against the first arm (one entry for each other arm). None leaves the section out.
    """
    data = to_json(comparison)
    looks = arm_looks([arm["generation"]["arm"] for arm in data["arms"]])
    title = f"Taste Test: {' and '.join(look.label for look in looks)}"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", Html(css.replace("</", "<\\/"))),
    )
    body = el("body", el("main", *_sections(data, looks, pack, diffs), cls="tt-page"), cls="tt-export")
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def _sections(
    data: Mapping[str, Any],
    looks: Sequence[ArmLook],
    pack: PackLike | None,
    diffs: Sequence[Sequence[Any] | None] | None,
) -> list[Html | None]:
    gold = data["gold"]
    columns = [arm_column(arm, look, pack, gold=gold) for arm, look in zip(data["arms"], looks, strict=True)]
    differs = None if diffs is None else arms_diff(data["arms"], looks, diffs, pack, gold=gold is not None)
    return [
        _head(data),
        verdict_line(data["arms"], looks),
        el("section", pane_switch(), columns_row(columns)),
        _section("What differs", differs),
        _section("Where it stands in the text", marked_source(data["source"]["text"], data["arms"], looks, pack)),
        _section("What the model saw", context_html(data["context"])),
        _section("Fairness receipt", receipt_html(data["receipt"], looks)),
        _section("Provenance", _provenance(data)),
    ]


def _section(heading: str, body: Html | None) -> Html | None:
    return None if body is None else el("section", el("h2", heading), body, cls="tt-section")


def _head(data: Mapping[str, Any]) -> Html:
    where = el("p", f"{data['task']} on {data['base']}, {moment(data['created'])}", cls="tt-dim tt-num")
    return el(
        "header",
        el("h1", "Two answers to the same text" if len(data["arms"]) == 2 else "Answers to the same text"),
        where,
    )


def _provenance(data: Mapping[str, Any]) -> Html:
    proof = data["arms"][0]["generation"]["proof"] if data["arms"] else {}
    pairs: list[tuple[str, str | Html]] = [
        ("comparison", data["id"]),
        ("made", data["created"]),
        ("task", data["task"]),
        ("base", data["base"]),
        ("base weights", short_hash(proof.get("base_sha256"))),
        ("source", data["source"]["origin"]),
        *((name, compact(version)) for name, version in data["versions"].items()),
    ]
    return el(
        "dl", *(el("div", el("dt", name), el("dd", html(value))) for name, value in pairs), cls="tt-facts tt-facts-grid"
    )
