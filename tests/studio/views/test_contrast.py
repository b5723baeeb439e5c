"""Every pair of colours that is used together is readable, in light and in dark (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from itertools import combinations
from math import dist
from typing import Any

import pytest

from studio.theme import COLOURS, export_css, stylesheet

TOKEN = re.compile(r"--tt-([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
TOKENS = {name: pair for name, *pair in TOKEN.findall(stylesheet())}
ARMS = ("base", "prompted", "tuned", "second", "third", "fourth", "gold", "blind")
SURFACES = ("bg", "surface", "raised")
TEXT = 4.5
SHAPE = 3.0

PAIRS = [
    *((ink, ground, TEXT) for ink in ("ink", "dim") for ground in SURFACES),
    *((f"arm-{arm}", ground, TEXT) for arm in ARMS for ground in ("bg", "surface")),
    *(("on-band", f"band-{arm}", TEXT) for arm in ARMS),
    *((sure, ground, TEXT) for sure in ("bad", "warn") for ground in ("bg", "surface")),
    ("bad", "bad-bg", TEXT),
    ("warn", "warn-bg", TEXT),
    ("on-accent", "accent", TEXT),
    *(("focus", ground, SHAPE) for ground in SURFACES),
    *(("field", ground, SHAPE) for ground in ("bg", "surface")),  # borders of what can be filled in
    ("dim", "surface", SHAPE),  # borders of fields that are hovered, of dashed marks
]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_pair_is_readable(front: str, back: str, least: float, mode: str) -> None:
    at = 0 if mode == "light" else 1
    assert contrast(TOKENS[front][at], TOKENS[back][at]) >= least


# How eyes without red or green cones see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1)
DEUTERANOPE = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))
PROTANOPE = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))


def seen(colour: str, eyes: tuple[tuple[float, ...], ...]) -> tuple[float, ...]:
    linear = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    mixed = (sum(k * v for k, v in zip(row, linear, strict=True)) for row in eyes)
    return tuple(min(1.0, max(0.0, value)) ** (1 / 2.2) for value in mixed)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", [DEUTERANOPE, PROTANOPE], ids=["deuteranope", "protanope"])
@pytest.mark.parametrize("place", ["arm", "band"])
def test_arms_of_the_house_are_told_apart_without_red_or_green(place: str, eyes: Any, mode: int) -> None:
    """Further adapters share a lightness with these; they differ in shape, as all do."""
    colours = {arm: seen(TOKENS[f"{place}-{arm}"][mode], eyes) for arm in ("base", "prompted", "tuned", "second")}
    apart = {pair: dist(colours[pair[0]], colours[pair[1]]) for pair in combinations(colours, 2)}
    assert min(apart.values()) >= 0.1, apart


def test_every_colour_named_anywhere_is_declared_once_for_both_modes() -> None:
    used = set(re.findall(r"var\(--tt-([\w-]+)", stylesheet())) | set(COLOURS.values())
    plain = {"font", "mono", "header-h", "status-h", "side-w"}
    assert used - plain <= set(TOKENS)
    assert len(TOKEN.findall(stylesheet())) == len(TOKENS)


def test_no_colour_stands_outside_the_table() -> None:
    rules = stylesheet().split("--tt-font")[1]
    outside = set(re.findall(r"#[0-9a-fA-F]{3,8}\b(?![\w-])", re.sub(r'url\("[^"]*"\)', "", rules)))
    assert {found for found in outside if not re.fullmatch(r"#(tt|b).*", found)} == set()


def test_the_exported_page_gets_no_window_rules() -> None:
    css = export_css()
    assert "#tt-sidebar" not in css.split("/* ----")[1]
    assert "color-scheme: light dark" in css
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", css)
