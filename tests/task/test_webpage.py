"""HTML to lines: the article, or all that is visible where the article lost the content."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.task.webpage import MOST_TAGS, page_text

ARTICLE = """<!doctype html><html><head><title>Best Soup | Spoon</title><script>var a = "2 cups";</script></head>
<body><nav><ul><li>Home</li><li>About</li></ul></nav><article><h1>Best Soup</h1>
<p>I remember the summers when we would sit on the wall and eat this soup, laughing about the heat of it all.</p>
<h2>Ingredients</h2><ul><li>1 l <b>water</b></li><li><p>2 onions</p></li></ul>
<h2>Method</h2><ol><li>Boil the water with the onions for an hour.</li><li>Serve it hot with bread.</li></ol>
<table><tr><td>Serves</td><td>4</td></tr><tr><td>Time</td><td>1 hour</td></tr></table></article>
<div id="comments"><h3>2 Comments</h3><p>Lovely!</p></div><footer>Copyright</footer></body></html>"""


def nothing(text: str) -> float:
    return 0.0


def test_the_article_keeps_its_lists_headings_and_rows() -> None:
    lines = page_text(ARTICLE, nothing).split("\n")
    for line in ("Best Soup", "Ingredients", "- 1 l water", "- 2 onions", "Method", "Serves 4", "Time 1 hour"):
        assert line in lines, line
    assert "1. Boil the water with the onions for an hour." in lines
    assert not any("cups" in line or "Lovely" in line or line == "- Home" or "**" in line for line in lines)


def test_an_article_that_lost_the_content_is_not_trusted() -> None:
    """As where a page keeps its recipe outside what an extractor takes for the article."""
    page = ARTICLE.replace("</footer>", "</footer><aside><p>300 g flour</p></aside>")

    def flour(text: str) -> float:
        return float(text.count("300 g flour"))

    text = page_text(page, flour)
    assert "300 g flour" in text
    assert "- Home" in text
    assert "cups" not in text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>a</li><li></li><li><p>b</p></li></ul>", "- a\n- b\n"),
        ("x<br>y<br><br>z", "x\ny\n\nz\n"),
        ("<p>a  \n b</p><p>c</p>", "a b\n\nc\n"),
        ("<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
        ("<p>a<span hidden>b</span><span style='display: none'>c</span><style>d</style><!-- e --></p>", "a\n"),
        ("<div>" * 1000 + "deep" + "</div>" * 1000, "deep\n"),
        ("no markup at all", "no markup at all"),
        ("<", "<\n"),
        ("", ""),
    ],
)
def test_visible_text(html: str, text: str) -> None:
    def everything(content: str) -> float:
        return 1.0 if content == text else 0.0

    assert page_text(html, everything) == text


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="<>/pdivulbr! -=\"'&;\x00\ud800é\n", max_size=200))
def test_no_markup_is_too_broken(html: str) -> None:
    assert isinstance(page_text(html, nothing), str)


def test_a_page_of_far_too_many_tags_is_read_without_the_extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    import trafilatura

    def never(*_args: object, **_options: object) -> str:
        raise AssertionError("asked")

    monkeypatch.setattr(trafilatura, "extract", never)
    assert page_text("<p>x</p>" * (MOST_TAGS // 2 + 1), nothing).startswith("x\n\nx")
