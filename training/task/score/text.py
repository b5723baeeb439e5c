"""Words and numbers of a text, with their places in it: what every comparator here counts.

A `Token` keeps the character offsets it was read at, so a match can be pointed out in the text as the person pasted
it. Case, accents, plural endings, spelt-out units, fraction glyphs and HTML tags make no difference to a token's key.
Limits: the plural rules and the number words are English; scripts written without spaces are taken character by
character.
"""

import html
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

# The long names, one key a unit whatever its spelling. "T" and "t" differ, everything else is read without case.
UNIT_SPELLINGS = {
    "tablespoon": "tablespoon tablespoons tbsp tbsps tbs tbl tblsp",
    "teaspoon": "teaspoon teaspoons tsp tsps",
    "cup": "cup cups",
    "pint": "pint pints pt",
    "quart": "quart quarts qt qts",
    "gallon": "gallon gallons gal",
    "milliliter": "ml milliliter milliliters millilitre millilitres",
    "centiliter": "cl centiliter centiliters centilitre centilitres",
    "deciliter": "dl deciliter deciliters decilitre decilitres",
    "liter": "l liter liters litre litres",
    "milligram": "mg milligram milligrams",
    "gram": "g gr gram grams gramme grammes",
    "kilogram": "kg kilo kilos kilogram kilograms",
    "ounce": "oz ounce ounces",
    "pound": "lb lbs pound pounds",
    "inch": "inch inches",
    "centimeter": "cm centimeter centimeters centimetre centimetres",
    "minute": "minute minutes min mins",
    "hour": "hour hours hr hrs",
    "second": "second seconds sec secs",
    "package": "package packages pkg pkgs packet packets pack packs",
}
UNIT_KEYS = {spelling: key for key, spellings in UNIT_SPELLINGS.items() for spelling in spellings.split()}
NUMBER_WORDS = {
    "one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0,
    "nine": 9.0, "ten": 10.0, "eleven": 11.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0, "thirty": 30.0,
    "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "half": 0.5, "quarter": 0.25,
}  # fmt: skip


def words_of(text: str) -> frozenset[str]:
    """A list of words, written as a sentence."""
    return frozenset(text.split())


LINE = 400  # characters: what is that short is folded again and again, item against item
STOP_WORDS = words_of(
    "a an the and or of to in into on onto with for from by at as is are be it its this that then than until till up "
    "your you them they their so if when while over"
)
IRREGULAR = {"leaves": "leaf", "halves": "half", "loaves": "loaf", "knives": "knife", "potatoes": "potato"}

_GLYPHS = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞↉"
_GLYPH = rf"(?:[{_GLYPHS}]|&frac[1-7][2-8];)"
_GAP = r"[ \t\u00a0\u2009\u202f]"
_TOKEN = re.compile(
    rf"""(?P<skip></?[a-zA-Z!][^<>]{{0,500}}>|&(?!frac)[a-zA-Z]{{2,8}};|&\#x?[0-9a-fA-F]{{1,6}};)
    |(?P<mixed>\d+(?:{_GAP}+|-)\d{{1,3}}{_GAP}?[/⁄]{_GAP}?\d{{1,3}}(?!\d))
    |(?P<fraction>\d{{1,6}}{_GAP}?[/⁄]{_GAP}?\d{{1,6}})
    |(?P<glyph>(?:\d+{_GAP}*)?{_GLYPH})
    |(?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:[.,]\d+)?)
    |(?P<cjk>[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])
    |(?P<word>(?:[^\W\d_]|[\u0300-\u036f])+(?:['’](?:[^\W\d_]|[\u0300-\u036f])+)*)""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """One word or number. `number` is its value or None; `start` and `end` are character offsets, end exclusive."""

    key: str
    start: int
    end: int
    number: float | None


def tokenise(text: str) -> list[Token]:
    """Every word and number of a text in order; markup and punctuation are left out."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == "skip":
            continue
        if kind in ("word", "cjk"):
            key = word_key(piece)
            number = NUMBER_WORDS.get(key)
            tokens.append(Token(key if number is None else number_key(number), match.start(), match.end(), number))
        else:
            number = _number(piece, kind or "")
            tokens.append(Token(number_key(number, piece), match.start(), match.end(), number))
    return tokens


def keys_of(text: str) -> list[str]:
    """The tokens' keys alone."""
    return [token.key for token in tokenise(text)]


def number_key(number: float | None, piece: str = "") -> str:
    """Equal for equal values: 1/2, ½ and 0.5 are one key."""
    return f"#{piece}" if number is None else f"#{number:.6g}"


@lru_cache(maxsize=20_000)
def word_key(word: str) -> str:
    """A word without case, accents, possessive and plural; a unit by its long name; a number word by itself."""
    if word == "T":
        return "tablespoon"
    if word == "t":
        return "teaspoon"
    folded = _unaccented(word)
    if folded in UNIT_KEYS:
        return UNIT_KEYS[folded]
    return folded if folded in NUMBER_WORDS else _singular(folded)


def fold(text: str) -> str:
    """A text for equality: no case, accents, curly quotes or runs of whitespace; fraction glyphs written out."""
    return _folded_line(text) if len(text) <= LINE else _folded(text)


@lru_cache(maxsize=8_192)
def _folded_line(text: str) -> str:
    return _folded(text)


def _folded(text: str) -> str:
    spelt = re.sub(_GLYPH, lambda match: f" {unicodedata.normalize('NFKC', html.unescape(match[0]))} ", text)
    plain = _unaccented(spelt.replace("⁄", "/"))
    for curly, straight in (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", "-"), ("—", "-"), ("⁄", "/")):
        plain = plain.replace(curly, straight)
    return " ".join(plain.split())


def content_keys(text: str) -> list[str]:
    """Keys without stop-words; all keys where nothing else is left."""
    keys = keys_of(text)
    return [key for key in keys if key not in STOP_WORDS] or keys


def overlap(left: Counter[str], right: Counter[str]) -> int:
    """Size of the multiset intersection."""
    return (left & right).total()


def _unaccented(text: str) -> str:
    marked = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(char for char in marked if not "\u0300" <= char <= "\u036f"))


def _singular(word: str) -> str:
    word = word.replace("’", "'").removesuffix("'s").replace("'", "")
    if word in IRREGULAR:
        return IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses", "oes")):
        return word[:-2]
    return word[:-1]


def _number(piece: str, kind: str) -> float | None:
    """The value, None for a division by zero or a number past what a float holds."""
    try:
        if kind == "glyph":
            whole = re.match(r"\d*", piece)
            digits = whole.group() if whole else ""
            value = float(digits or 0) + _glyph_value(piece[len(digits) :].strip())
        elif kind in ("mixed", "fraction"):
            parts = [float(part) for part in re.findall(r"\d+", piece)]
            value = (parts[0] if len(parts) == 3 else 0.0) + parts[-2] / parts[-1]
        elif re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", piece):
            value = float(piece.replace(",", ""))
        else:
            value = float(piece.replace(",", "."))
    except (ZeroDivisionError, ValueError):
        return None
    return value if value < float("inf") else None


def _glyph_value(glyph: str) -> float:
    over, _, under = unicodedata.normalize("NFKC", html.unescape(glyph)).replace("⁄", "/").partition("/")
    return float(over) / float(under)
