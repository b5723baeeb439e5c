import re

from studio.theme import export_css
from studio.views.export_html import POLICY, export_page
from tests.studio.views import samples
from tests.studio.views.pages import Page


def page_of(gold: bool = True) -> str:
    results = (samples.FAILED, samples.GOOD)
    if gold:
        diffs = [samples.naive_diff(samples.GOLD, result.parsed.object) for result in results]
        return export_page(samples.comparison(*results, gold=samples.GOLD), export_css(), samples.PACK, diffs)
    assert samples.FAILED.parsed.object is not None
    diffs = [samples.naive_diff(samples.FAILED.parsed.object, samples.GOOD.parsed.object)]
    return export_page(samples.comparison(*results), export_css(), samples.PACK, diffs)


def test_the_page_is_whole_and_asks_nothing_of_anyone() -> None:
    markup = page_of()
    page = Page(markup)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "video", "audio"}
    assert not [attrs for _, attrs in page.elements if {"src", "href", "srcset", "action"} & set(attrs)]
    outside = re.sub(r"http://www\.w3\.org/2000/svg", "", export_css())
    assert not re.search(r"@import|https?:|url\((?!\"data:|%23)", outside)
    assert markup.startswith("<!doctype html>")
    assert page.depth == 0


def test_its_policy_forbids_what_it_does_not_need() -> None:
    metas = [attrs for tag, attrs in Page(page_of()).elements if tag == "meta"]
    policies = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    assert "default-src 'none'" in POLICY
    assert "script" not in POLICY


def test_it_holds_every_part_of_the_comparison() -> None:
    text = Page(page_of()).text
    for words in (
        "Two answers to the same text", "What differs", "Where it stands in the text", "What the model saw",
        "Fairness receipt", "Provenance", "known answer", "not JSON, repaired", "strict JSON",
        "1 teaspoon vanilla extract", "sunday-lemon-loaf.md", "20261120-231500-3f9a", "My grandmother never owned",
    ):  # fmt: skip
        assert words in text


def test_without_a_known_answer_the_first_arm_is_the_reference() -> None:
    text = Page(page_of(gold=False)).text
    assert "Rows that differ from base: crumb-recipe-jsonld" in text
    assert "known answer" not in text


def test_ids_are_unique() -> None:
    ids = [attrs["id"] for _, attrs in Page(page_of()).elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_css_cannot_close_its_element() -> None:
    markup = export_page(samples.comparison(), "a{}</style><script>x</script>")
    assert "script" not in {tag for tag, _ in Page(markup).elements}
