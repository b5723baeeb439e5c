"""The report from a real folder: whole, inert, the same each time, and drawn in a browser."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evals.made_evaluation import ARMS, DOCS, PACK, shared_evaluation
from training.errors import DataError, InputError
from training.evals.clusters import cluster_title
from training.evals.figures import figures_of, read_aggregates
from training.evals.report import render_report, write_report
from training.evals.report_examples import ABSENT, KINDS, Example, choose, examples
from training.evals.report_facts import limits, receipt
from training.evals.report_html import data, el, esc, page
from training.evals.verdict import verdict

PATIENCE_MS = 180_000  # a busy machine is slow, not broken


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = shared_evaluation(tmp_path_factory)
    write_report(made, PACK)
    return made


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


class Tags(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def scripts_of(html: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", html, re.DOTALL)


def test_it_says_what_the_verdict_says_and_stands_alone(folder: Path, html: str) -> None:
    found = verdict(read_aggregates(folder), None, PACK)
    text = " ".join(re.sub(r"<[^>]+>", "", html.replace("\u00a0", " ")).split())
    for clause in found.sentence.rstrip(".").split("; "):
        assert clause.lower() in text.lower(), clause
    own = html.replace(max(scripts_of(html), key=len), "")  # plotly's own text holds addresses
    assert not re.search(r"""(src|href|action)=["']?\s*(https?:|//|file:)|@import|url\((?!#)""", own)
    assert html.count("* plotly.js v") == 1 and own.count("Plotly.newPlot(") == 1
    assert 1_000_000 < len(html) < 8_000_000


def test_the_page_holds_nothing_of_the_hostile_post_but_its_letters(html: str) -> None:
    tags = Tags(html)
    kinds = [tag for tag, _ in tags.seen]
    assert not {"img", "iframe", "object", "embed", "form", "link", "base"} & set(kinds)
    assert kinds.count("script") == 3 and len(scripts_of(html)) == 2, "plotly, the page's own, and the charts' JSON"
    assert all(not name.startswith("on") for _, attributes in tags.seen for name in attributes)
    assert "&lt;img src=x" in html and "\u202e" not in html


def test_its_policy_names_its_scripts_and_nothing_else(html: str) -> None:
    tags = Tags(html)
    policy = next(str(a["content"]) for tag, a in tags.seen if a.get("http-equiv") == "Content-Security-Policy")
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    assert allowed == {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts_of(html)}
    assert "default-src 'none'" in policy and "unsafe-inline'; img" in policy.partition("style-src")[2]


def test_it_is_the_same_each_time(folder: Path, html: str) -> None:
    assert render_report(folder, PACK) == html


def test_three_charts_five_documents_gates_limits_and_receipt_are_there(folder: Path, html: str) -> None:
    assert html.count('class="tt-chart"') == 3
    assert html.count('class="example"') == 5 and html.count('class="sides"') >= 4
    assert html.count('class="sides"') + sum(sentence in html for sentence in ABSENT.values()) == 5
    for heading in ("In figures", "In pictures", "Five documents", "May it ship", "What this does not say", "Receipt"):
        assert f"<h2>{heading}</h2>" in html
    manifest = json.loads((folder / "manifest.json").read_text())
    for digest in manifest["files"].values():
        assert digest in html


def test_another_pair_can_be_asked_and_a_strange_one_is_refused(folder: Path) -> None:
    other = render_report(folder, PACK, ("base", ARMS[4]))
    assert "prompted base" not in other.partition("In pictures")[0].partition("In figures")[2].partition("<tbody>")[0]
    with pytest.raises(InputError, match="no arm 'nobody'"):
        render_report(folder, PACK, ("base", "nobody"))


def test_a_folder_without_figures_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no aggregates\.json"):
        render_report(tmp_path, PACK)
    (tmp_path / "aggregates.json").write_text("[")
    with pytest.raises(DataError, match="can't be read"):
        render_report(tmp_path, PACK)


def test_figures_alone_make_a_report_without_charts_or_documents(tmp_path: Path) -> None:
    told = {"format": 1, "task": PACK.name, "name": "<b>bare</b>", "arms": [], "tiers": {}, "pairs": {}, "tables": {}}
    (tmp_path / "aggregates.json").write_text(json.dumps(told))
    bare = write_report(tmp_path, PACK).read_text("utf-8")
    assert "Nothing was compared" in bare and "<b>bare" not in bare and len(bare) < 60_000


def test_the_five_are_chosen_by_rule(folder: Path) -> None:
    figures = figures_of(read_aggregates(folder), PACK)
    found = examples(folder, figures)
    assert len(found) == len(KINDS)
    shown = {example.kind: example for example in found if isinstance(example, Example)}
    assert shown["win"].sides[1].value == 1.0 and shown["win"].sides[0].value == 0.0
    assert (shown["loss"].sides[1].value or 0) < (shown["loss"].sides[0].value or 0)
    assert shown["failure"].sides[1].error
    assert len({example.doc for example in shown.values()}) == len(shown)


@given(
    a=st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1)),
    b=st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1)),
    errors=st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["", "no_json", "time_wrong"])),
)
def test_each_kind_is_what_it_is_called(a: dict[str, float], b: dict[str, float], errors: dict[str, str]) -> None:
    figures = figures_of({"arms": [{"name": "x", "kind": "base"}, {"name": "y", "kind": "adapter"}]}, PACK, ("x", "y"))
    found = choose({"x": a, "y": b}, errors, figures)
    gains = {doc: b[doc] - a[doc] for doc in a.keys() & b.keys()}
    if found["win"]:
        assert gains[found["win"]] == max(gains.values()) > 0
    if found["loss"]:
        assert gains[found["loss"]] == min(gains.values()) < 0
    if found["tie"]:
        assert gains[found["tie"]] == 0
    if found["middle"]:
        assert 0 < gains[found["middle"]] <= gains[found["win"]]
    if found.get("failure"):
        assert errors[found["failure"]]
    kept = [doc for doc in found.values() if doc]
    assert len(set(kept)) == len(kept) and set(found) <= set(KINDS) == set(ABSENT)


def test_limits_and_receipt_come_from_the_records(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    figures = figures_of(read_aggregates(folder), PACK)
    lines = limits(figures, manifest)
    assert any(f"{DOCS} documents from posts.jsonl, part test in {DOCS // 2} groups" in line for line in lines)
    assert any("6 % of 16 answers come out otherwise" in line for line in lines)
    assert any("No judge was asked" in line for line in lines)
    facts = {**manifest["arms"][ARMS[4]], "missing": 3, "kind": "imported"}
    told = limits(figures, {**manifest, "arms": {ARMS[4]: facts}})
    assert any("3 documents had no answer" in line for line in told) and any("made elsewhere" in line for line in told)
    assert ("Documents", f"{DOCS} posts.jsonl test", manifest["data"]["sha256"]) in receipt(manifest, figures)
    assert limits(figures, {}) and receipt({}, figures)


@given(st.text())
def test_any_text_is_inert(text: str) -> None:
    made = el("p", text, title=text)
    assert made.count("<") == 2 and made.count(">") == 2
    assert made.encode("utf-8") and not re.search(r"[\u202a-\u202e\u2066-\u2069\x00-\x08]", made)
    assert "</" not in data({"a": text}, "x")[:-9] and "<!--" not in data(text, "x")
    assert esc(esc("<")) == "&amp;lt;", "what is escaped is text again unless it is marked"


def test_a_page_without_scripts_allows_none() -> None:
    assert "script-src 'none'" in page("t", el("main", "x"), [], "")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_browser_draws_it_and_runs_nothing_of_the_post(browser: Any, folder: Path, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    tab = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.set_default_timeout(PATIENCE_MS)
    tab.goto((folder / "report.html").as_uri(), wait_until="domcontentloaded", timeout=PATIENCE_MS)
    tab.wait_for_function("document.querySelectorAll('.tt-chart .main-svg').length >= 3")
    assert tab.evaluate("window.hacked") is None and said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 26)")
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    tab.wait_for_function("[...document.querySelectorAll('.tt-chart')].every(c => c.layout.width === 640)")
    assert tab.evaluate("[...document.querySelectorAll('.tt-chart')].every(c => c.clientHeight > 150)")
    context.close()


def test_a_cluster_of_the_failure_has_its_words_on_the_page(folder: Path, html: str) -> None:
    found = examples(folder, figures_of(read_aggregates(folder), PACK))
    failure = next(example for example in found if isinstance(example, Example) and example.kind == "failure")
    assert str(esc(cluster_title(failure.sides[1].error, PACK))) in html
