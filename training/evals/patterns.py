"""A plain regular-expression extractor for every kind of field that a pack can declare: the arm `regex`.

It reads a document line by line: lines under a head that says ingredients or method, lines with a bullet and an amount,
numbered lines, "Serves: 4", "Prep time: 20 min", runs of capitalised words, first sentences. It knows the packs' kinds
of field and no pack by name, and it never sees a right answer. Limit: it understands nothing.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from training.task.pack import FieldSpec, Pack
from training.task.score.durations import time_expressions
from training.task.score.text import words_of
from training.task.score.values import is_empty

_BULLET = re.compile(r"^\s*(?:[-*+•▢☐◦‣·–▪✓👉]|\[[ x]?\])\s*(?=\S)")
_NUMBERED = re.compile(r"^\s*(?:step\s*)?\d{1,2}\s*[.):]\s+(?=\S)|^\s*step\s+\d{1,2}\s*[-:.)]?\s*", re.I)
_MARKS = re.compile(r"^[\W_]+|[\s#*_~:>|]+$")
_UNITS = (
    "cups?|c\\.|tsps?|teaspoons?|teaspoonfuls?|tbsps?|tablespoons?|tablespoonfuls?|g|grams?|kg|ml|cl|dl|l|litres?|"
    "liters?|oz|ounces?|lbs?\\.?|pounds?|pints?|quarts?|cloves?|cans?|tins?|sticks?|slices?|bunch|pinch|dash|handful"
)
_AMOUNT = re.compile(
    rf"^(?:\d[\d./,\s–-]*\s?[½¼¾⅓⅔⅛]?|[½¼¾⅓⅔⅛]|an?\s+(?=pinch|dash|handful|bunch|few))\s*(?:(?:{_UNITS})\b)?", re.I
)
_LIST_HEAD = re.compile(
    r"^\W*(?:the |all |main )?ingredients?\b.{0,30}$|^\W*(?:(?:what|for this) )?you(?:.?ll)? need\b.{0,20}$"
    r"|^\W*what you need\W*$|^\W*shopping list\W*$", re.I,
)  # fmt: skip
_STEP_HEAD = re.compile(
    r"^\W*(?:the )?(?:directions?|instructions?|method|steps|preparation|procedure|how to(?: make it| do it)?|"
    r"step by step|what to do|let.?s cook|here.?s how)\W*.{0,12}$", re.I,
)  # fmt: skip
_END_HEAD = re.compile(
    r"^\W*(?:notes?|tips?|nutrition|storage|comments?|about|related|you may also like)\b.{0,30}$", re.I
)
_IMPERATIVE = re.compile(
    r"^(?:add|bake|beat|blend|boil|bring|chop|combine|cook|cool|cover|cut|drain|fold|fry|garnish|grate|grease|heat|"
    r"knead|let|melt|mix|place|pour|preheat|put|reduce|remove|roll|season|serve|simmer|slice|soak|spread|sprinkle|"
    r"stir|toast|toss|transfer|whisk|wash)\b", re.I,
)  # fmt: skip
_FACT = r"\s*(?:time|size)?\s*[:=–-]?\s*(?:about |around |approx\.? )?"
_TIMES = {
    "prep": r"\b(?:prep(?:aration)?|hands[- ]on)",
    "cook": r"\b(?:cook(?:ing)?|bak(?:e|ing))",
    "total": r"\b(?:total|ready in)",
}
_YIELD = re.compile(
    r"\b(?:serves|servings?(?: size)?|makes|yields?|portions)\b\s*[:=]?\s*((?:about )?\d[\w\s–-]{0,24})", re.I
)
_SETS = {
    "category": r"(?:course|category|dish type|type)", "cuisine": r"cuisine", "keyword": r"(?:keywords?|tags?)",
}  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_COMPANY = re.compile(r"\b[A-Z][\w&-]*(?:\s+[A-Z][\w&-]*){0,2}(?:\s+(?:Inc|Ltd|GmbH|Corp|AG|plc)\b\.?)?")
_NO_COMPANY = words_of(
    "a an the it he she they we you i in on at for from by of to and but or if as this that these those some most many "
    "no new first what when who how why with after before researchers people customers share home news about contact "
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december advertisement sponsored partner posted read models everyone"
)
_CORPORATE = re.compile(r"^\s*(?:has|have|is|was|says|said|will|made|raised|released|bought|plans|lets|wants|'s|’s)\b")
_RATINGS = (
    (r"\bsponsored\b|\bpartner message\b|\b\d+ percent off\b|\bpromo\b", 1),
    (r"\brumou?r|\bgossip|\bis said to\b|\bwas seen\b", 3),
    (r"\bbillion\b|\blaw (?:is|comes) in(?:to)? force\b", 8),
    (r"\bcourt\b|\bjudge\b", 7),
    (r"\b(?:[5-9]\d|\d{3,}) million dollars\b|\bbought\b|\btakes? over\b|\bleak", 6),
    (r"\breleased\b|\bpaper\b|\bresearchers\b|\boutage\b", 5),
)


class _Read(NamedTuple):
    """A document cut up: `title`, the `listed` lines, the `told` steps, and the whole text."""

    title: str
    listed: list[str]
    told: list[str]
    text: str


def extract(pack: Pack, source: str) -> dict[str, Any]:
    """What the patterns find, as the task's object; {} where they find no list that the task is about."""
    if not pack.answer.grounded:
        return _written(pack, source)
    read = _read(source)
    found: dict[str, Any] = {}
    properties = pack.schema.get("properties", {})
    for spec in pack.fields:
        if spec.kind == "constant":
            found[spec.name] = properties.get(spec.name, {}).get("const", "")
            continue
        value = _FINDERS.get(spec.comparator, _line)(spec, read)
        if not is_empty(value) or (value == [] and spec.name in pack.schema.get("required", [])):
            found[spec.name] = value
    cooking = any(spec.comparator == "list_ingredient" for spec in pack.fields)
    return {} if cooking and not (read.listed or read.told) else found


def _read(source: str) -> _Read:
    """Lines sorted by the heads above them; without heads by their own looks."""
    lines = [line.strip() for line in source.split("\n") if line.strip()]
    listed: list[str] = []
    told: list[str] = []
    under = ""
    for line in lines:
        head = "list" if _LIST_HEAD.match(line) else "steps" if _STEP_HEAD.match(line) else ""
        if head or _END_HEAD.match(line):
            if head == "list" and told:
                break  # a second recipe begins
            under = head
            continue
        bare = _NUMBERED.sub("", _BULLET.sub("", line)).strip()
        amount = _AMOUNT.match(bare) is not None and not _NUMBERED.match(line)
        if (under == "list" and len(bare) < 90) or (under == "" and amount and len(bare) < 70 and not told):
            listed.append(bare)
        elif under == "steps" or _NUMBERED.match(line) or (listed and _IMPERATIVE.match(bare)):
            told.append(bare)
    title = next((text for line in lines if (text := _MARKS.sub("", line)) and len(text) < 90), "")
    return _Read(title, listed, [step for step in told if len(step) > 12], source)


def _line(spec: FieldSpec, read: _Read) -> Any:
    """A name is the first line; a description the first sentence after it that is long enough."""
    if spec.name.lower() in ("name", "title"):
        return read.title
    after = read.text.partition(read.title)[2] if read.title else read.text
    return next(
        (s.strip() for s in _SENTENCE.split(after) if 30 <= len(s.strip()) <= 160 and s.strip()[-1] in ".!"), ""
    )


def _ingredients(_spec: FieldSpec, read: _Read) -> list[str]:
    return read.listed


def _steps(spec: FieldSpec, read: _Read) -> list[Any]:
    return [{"@type": "HowToStep", "text": step} for step in read.told] if spec.kind == "steps" else read.told


def _duration(spec: FieldSpec, read: _Read) -> str:
    pattern = next((p for word, p in _TIMES.items() if spec.name.lower().startswith(word)), None)
    if pattern is None:
        return ""
    for match in re.finditer(pattern + _FACT, read.text, re.I):
        rest = read.text[match.end() : match.end() + 40].split("\n")[0]
        times = time_expressions(rest)
        if times and times[0].start <= 3:
            hours, minutes = divmod(round(times[0].minutes[0]), 60)
            return "PT" + (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes or not hours else "")
    return ""


def _yield(_spec: FieldSpec, read: _Read) -> str:
    found = _YIELD.search(read.text)
    return found[1].split("\n")[0].strip() if found else ""


def _set(spec: FieldSpec, read: _Read) -> str:
    pattern = next((p for word, p in _SETS.items() if word in spec.name.lower()), re.escape(spec.label))
    found = re.search(rf"\b{pattern}\b\s*[:=]?\s+([^\n·|]{{2,60}})", read.text, re.I)
    return found[1].strip() if found else ""


def _relevance(_spec: FieldSpec, read: _Read) -> int:
    return next((score for pattern, score in _RATINGS if re.search(pattern, read.text, re.I)), 4)


def _story(read: _Read) -> list[str]:
    """The sentences of a text, bullets apart from them; heads, menus and shouts left out."""
    pieces = [_MARKS.sub("", _BULLET.sub("", s)).strip() for s in _SENTENCE.split(read.text)]
    return [piece for piece in pieces if len(piece.split()) >= 5 and "|" not in piece]


def _insights(_spec: FieldSpec, read: _Read) -> list[str]:
    return [] if re.search(_RATINGS[0][0], read.text, re.I) else _story(read)[1:5]


def _summary(_spec: FieldSpec, read: _Read) -> str:
    told = _story(read)
    chosen = told[:1] + told[-1:] if len(told) > 2 else told[:1]
    return ". ".join(sentence.rstrip(".") for sentence in chosen) + "." if chosen else read.title


def _companies(_spec: FieldSpec, read: _Read) -> list[str]:
    """Capitalised runs that do something, or that come twice."""
    seen: Counter[str] = Counter()
    acting: list[str] = []
    for match in _COMPANY.finditer(read.text):
        words = match[0].split()
        while words and words[0].lower() in _NO_COMPANY:
            words = words[1:]
        name = re.sub(r"\s+(?:Inc|Ltd|GmbH|Corp|AG|plc)\.?$", "", " ".join(words))
        if not name:
            continue
        seen[name] += 1
        if _CORPORATE.match(read.text[match.end() : match.end() + 12]):
            acting.append(name)
    return list(dict.fromkeys(name for name in acting if len(name.split()) == 1))[:2]


def _written(pack: Pack, source: str) -> dict[str, Any]:
    """A task whose answer is made up: the same recipe round every name."""
    asked = next((line.strip() for line in source.split("\n") if line.strip()), "")
    dish = re.sub(
        r"^(?:please |can you |could you )*(?:how (?:do|can|would) (?:i|you|we) (?:make|cook|prepare)|give me|write|"
        r"i want|(?:what is )?(?:a|the) recipe (?:for|of)|recipe (?:for|of)|make|cook)\s+(?:me )?"
        r"(?:(?:a|an|the) recipe for )?(?:some |an? )?", "", asked, flags=re.I,
    ).split(". ")[0].strip(" ?!.,:;\"'")  # fmt: skip
    if not dish or len(dish.split()) > 12 or re.search(r"\d{2,}", dish):
        return {}
    title = dish.title() if dish.islower() or dish.isupper() else dish
    main = dish.split()[-1].lower()
    values: dict[str, list[str]] = {
        "ingredients": [f"500 g {main}", "2 tbsp oil", "1 onion, chopped", "2 cloves garlic", "salt to taste"],
        "directions": [
            "Heat the oil in a pan.", "Cook the onion and garlic for 5 minutes.",
            f"Add the {main} and salt and cook for 20 minutes.", "Serve hot.",
        ],
    }  # fmt: skip
    found: dict[str, Any] = {}
    for section in pack.answer.sections:
        lists = values["ingredients"] if "ingredient" in section.field else values["directions"]
        found[section.field] = title if section.form == "line" else lists
    return found


_FINDERS: dict[str, Callable[[FieldSpec, _Read], Any]] = {
    "text": _line, "exact": _line, "list_ingredient": _ingredients, "list_steps": _steps, "duration": _duration,
    "yield": _yield, "set": _set, "relevance": _relevance, "insights": _insights, "companies": _companies,
    "summary": _summary,
}  # fmt: skip
