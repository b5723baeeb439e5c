"""What is read, what is refused, and that the refusal says why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.errors import InputError
from training.task.pack import BUILTIN, load_pack
from training.task.source import MAX_SOURCE_CHARS, looks_like_html, read_text


@pytest.mark.parametrize("empty", ["", " \n\t ", b"", b"\n\n", "\x00\x00", "\u200b\ufeff\u00a0", b"\xef\xbb\xbf"])
def test_nothing_to_read_is_refused(empty: str | bytes) -> None:
    with pytest.raises(InputError, match="is empty") as refusal:
        read_text(empty)
    assert "Paste" in refusal.value.fix


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG"),
        (b"PK\x03\x04" + bytes(50), "ZIP"),
        (b"\x80\x04\x95" + bytes(50), "pickle"),
        (b"\x7fELF" + bytes(50), "program"),
        (bytes(range(256)) * 20, "binary|control"),
        (b"\x00\x01\x02\x03" * 100, "binary|control"),
    ],
)
def test_binary_files_are_refused_by_name(data: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what) as refusal:
        read_text(data, "thing.txt")
    assert "'thing.txt'" in str(refusal.value)
    assert ".md" in refusal.value.fix


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"]
)
def test_the_usual_encodings_are_told_apart(encoding: str) -> None:
    text = "Crème brûlée\n" + "Whisk the yolks with the sugar until pale, then add the warm cream. ½ tsp of salt.\n" * 5
    text = text.replace("½", "1/2") if encoding == "latin-1" else text
    assert read_text(text.encode(encoding), "dessert.txt").text == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Нарежьте лук и обжарьте его на масле до золотистого цвета. Добавьте морковь и чеснок. " * 5),
        ("shift_jis", "玉ねぎを薄切りにして、バターで炒めます。水を加えて二十分ほど煮込みます。" * 5),
    ],
)
def test_older_encodings_of_other_scripts_are_told_by_their_letters(encoding: str, text: str) -> None:
    assert read_text(text.encode(encoding), "post.txt").text == text


def test_a_declared_encoding_and_a_meta_tag_are_believed() -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><body><p>Żurek z jajkiem</p></body></html>'
    assert read_text(page.encode("iso-8859-2"), "p.html").text == page
    assert read_text("Żurek".encode("iso-8859-2"), "x.txt", encoding="iso-8859-2").text == "Żurek"
    assert read_text("Żurek".encode(), "x.txt", encoding="no-such-thing").text == "Żurek"


@pytest.mark.parametrize("declared", ["undefined", "idna", "punycode", "zlib_codec", "unicode_escape", "rot13", "a\0b"])
def test_a_codec_of_python_that_is_no_encoding_of_pages_does_not_break_the_reading(declared: str) -> None:
    assert read_text("Żurek w misce, \\u0041".encode(), "x.txt", encoding=declared).text == "Żurek w misce, \\u0041"
    page = f'<html><head><meta charset="{declared}"></head><p>Żurek w misce</p>'.encode()
    assert "urek" in read_text(page, "x.html").text


def test_what_is_just_unusual_is_read_as_it_is() -> None:
    for text in (
        "🍕🍜",
        '{"name": "JSON instead of a blog"}',
        "Суп",
        "حساء",
        "null\x00byte\x00s",
        "\x1b[31mred\x1b[0m soup",
    ):
        assert read_text(text).text == text
        assert read_text(text.encode(), "x.txt").text == text


def test_two_million_characters_are_read_and_one_more_is_not() -> None:
    assert len(read_text("a" * MAX_SOURCE_CHARS).text) == MAX_SOURCE_CHARS
    with pytest.raises(InputError, match="2,000,001 characters, more than the 2,000,000"):
        read_text("a" * (MAX_SOURCE_CHARS + 1))
    with pytest.raises(InputError, match="8,000,001 bytes"):
        read_text(b"a" * (4 * MAX_SOURCE_CHARS + 1), "big.txt")


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(InputError, match="lone surrogate"):
        read_text("soup \ud83d")


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("<p>Soup</p>", "a.html", "html"),
        ("<p>Soup</p>", "a.HTM", "html"),
        ("<!DOCTYPE html><p>Soup", "paste", "html"),
        ("\ufeff  <html lang=en><body>Soup", "https://example.org/soup.txt", "html"),
        ("<ul><li>a</li><li>b</li></ul><p>x</p>", "paste", "html"),
        ("<html> is how a page begins", "notes.md", "text"),
        ("1 < 2 and <b>bold</b>", "paste", "text"),
        ("Soup", "https://example.org/soup.html", "text"),
        ("Soup", "a.txt", "text"),
    ],
)
def test_the_kind_is_told_by_the_name_or_by_the_text(text: str, name: str, kind: str) -> None:
    source = read_text(text, name)
    assert (source.kind, source.origin, source.text) == (kind, name, text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_give_text_or_an_input_error_and_nothing_else(data: bytes) -> None:
    try:
        source = read_text(data, "x.bin")
    except InputError as refusal:
        assert refusal.fix
    else:
        assert source.text.strip("\x00").strip()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_text_is_never_changed(text: str) -> None:
    try:
        assert read_text(text).text == text
    except InputError as refusal:
        assert refusal.fix
    assert looks_like_html(text) in (True, False)


@pytest.mark.parametrize("task", ["recipe-jsonld", "news-metadata", "recipe-writer"])
def test_an_example_given_as_a_file_does_not_hand_its_answer_over(task: str) -> None:
    for example in load_pack(BUILTIN / task).examples:
        (file,) = (BUILTIN / task / "examples").glob(f"{example.id}.*")
        given = read_text(file.read_bytes(), file.name)
        assert (given.text.strip(), given.kind) == (example.text.strip(), example.kind)
        assert read_text(given.text, file.name) == given, "nothing more is taken off the second time"


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: Lemon cake\ntags: [cake]\n---\n\n2 lemons\n",
        "---\nDear diary\n---\ngold: 3\ntitle: no\n",
        "---\ntitle: a\ngold: b\n",
        "Hello\n---\ntitle: a\ngold: {}\n---\n",
    ],
)
def test_front_matter_of_ones_own_stays(text: str) -> None:
    assert read_text(text, "post.md").text == text
