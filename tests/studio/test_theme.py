import re
import struct

import pytest

from studio.theme import ASSETS, COLOURS, ICON, build_theme, head_html, stylesheet


def test_every_colour_of_the_theme_comes_from_the_table_in_both_modes() -> None:
    theme = build_theme()
    for name, colour in COLOURS.items():
        assert getattr(theme, name) == f"var(--tt-{colour})"
        assert getattr(theme, f"{name}_dark") == f"var(--tt-{colour})"


def test_the_theme_fetches_no_font() -> None:
    assert not [font for font in build_theme()._font + build_theme()._font_mono if "oogle" in type(font).__name__]
    assert "http" not in str(build_theme()._stylesheets)


def test_head_carries_the_stylesheet_as_it_is() -> None:
    assert stylesheet() in head_html()
    assert "</style" not in stylesheet()
    assert not re.search(r"@import|url\((?!\"data:|%23)", stylesheet())


@pytest.mark.parametrize("size", [192, 512])
def test_icons_have_the_size_of_their_name(size: int) -> None:
    png = (ASSETS / f"icon-{size}.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (size, size)
    assert ICON.is_file()


def test_the_logo_is_plain_drawing() -> None:
    logo = (ASSETS / "logo.svg").read_text("utf-8")
    assert "<script" not in logo
    assert "href" not in logo
