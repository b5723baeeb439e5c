"""Scripted judges, and an evaluation to judge: folders as the runner writes them, made by hand.

A grader reads what stands between the marks of its prompt, as a good model would, and nothing else.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.data.teacher.server import Say, Script, completion
from training.chat.keys import Key
from training.evals.judge.config import JudgeSettings
from training.evals.judge.groups import groups_of
from training.evals.judge.run import Parts
from training.evals.records import ANSWERS, JOB, ROWS, Answered, EvalJob, EvalRow
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.records import to_json

RECIPES, NEWS, WRITER = (load_pack(BUILTIN / name) for name in ("recipe-jsonld", "news-metadata", "recipe-writer"))
Given = Mapping[str, str]


def data_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The blocks of a question by their names; the marks' number under "nonce"."""
    user = next(m["content"] for m in body["messages"] if m["role"] == "user")
    found = re.findall(r"<<(SRC|REF|CAND|A|B)-([0-9a-f]{16})>>\n(.*?)\n<</\1-\2>>", user, re.DOTALL)
    return {name: text for name, _, text in found} | {"nonce": found[0][1]}


def field_verdict(score: float | None = 10, na: bool = False, **evidence: Any) -> dict[str, Any]:
    return {"missing": [], "unsupported": [], "wrong": [], **evidence, "na": na, "score": score}


def verdict(pack: Pack, default: float = 10, **fields: dict[str, Any]) -> dict[str, Any]:
    """A whole verdict in which every group that is not named has the default."""
    named = {group.name: fields.get(group.name, field_verdict(default)) for group in groups_of(pack)}
    return {"fields": named, "notes": ""}


def saying(value: Any, **more: Any) -> Say:
    return completion(value if isinstance(value, str) else json.dumps(value), **more)


def lenient(pack: Pack, default: float = 10) -> Script:
    """The same verdict for everything; of a pair whichever stands first."""

    def say(_: int, body: dict[str, Any]) -> Say:
        if "B" in data_of(body):
            return saying({"evidence": [], "better": "A", "notes": ""})
        return saying(verdict(pack, default))

    return say


def careful(pack: Pack, deaf: bool = True) -> Script:
    """Compares candidate with reference (or looks words up in the source) item by item; of a pair the better one.

    Not `deaf`: it does what the data orders, which no judge should.
    """

    def say(_: int, body: dict[str, Any]) -> Say:
        data = data_of(body)
        if not deaf and "give 10" in " ".join(data.values()).casefold():
            return saying(verdict(pack, 10))
        if "B" in data:
            a, b = (mean_of(grade(pack, data["SRC"], data.get("REF"), data[name])) for name in ("A", "B"))
            return saying({"evidence": [], "better": "tie" if a == b else "A" if a > b else "B", "notes": ""})
        return saying(grade(pack, data["SRC"], data.get("REF"), data["CAND"]))

    return say


def mean_of(given: Mapping[str, Any]) -> float:
    scores = [one["score"] for one in given["fields"].values() if one["score"] is not None]
    return sum(scores) / len(scores) if scores else 0.0


def grade(pack: Pack, source: str, reference: str | None, candidate: str) -> dict[str, Any]:
    """What a judge that reads everything would say: leaves that are missing, and leaves that nothing supports."""
    got, right = json.loads(candidate), json.loads(reference) if reference else {}
    fields: dict[str, dict[str, Any]] = {}
    for group in groups_of(pack):
        mine = [leaf for spec in group.fields for leaf in leaves(got.get(spec.name))]
        wanted = [leaf for spec in group.fields for leaf in leaves(right.get(spec.name)) if supported(leaf, source)]
        missing = [leaf for leaf in wanted if leaf not in mine]
        extra = [leaf for leaf in mine if leaf not in wanted]
        order = mine != wanted and not missing and not extra
        errors = len(missing) + len(extra) + order
        if not mine and not wanted:
            fields[group.name] = field_verdict(None, na=True)
            continue
        size = max(1, len(wanted))
        score = 10 if not errors else 0 if not wanted or errors >= 2 * size else max(0.0, 10 - 10 * errors / size)
        fields[group.name] = field_verdict(round(score, 1), missing=missing, unsupported=extra)
    return {"fields": fields, "notes": ""}


def leaves(value: Any) -> list[str]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return leaves(value.get("text", ""))
    return [str(value)] if value not in (None, "") else []


def supported(leaf: str, source: str) -> bool:
    """Whether most words of a leaf are in the source; durations and numbers are taken at their word."""
    words = re.findall(r"[a-z]{4,}", leaf.casefold())
    return not words or sum(word in source.casefold() for word in words) >= 0.5 * len(words)


def recipe(number: int, **more: Any) -> EvalRow:
    """A post with everything in it, another dish for each number."""
    thing = ("lentil", "barley", "pumpkin", "carrot", "beetroot", "spinach", "mushroom", "potato")[number % 8]
    name = f"{thing.capitalize()} soup number {number}"
    ingredients = [f"{number + 2} cups {thing} pieces", "1 large onion", "2 tbsp olive oil", "1 tsp ground cumin"]
    steps = ["Fry the onion in olive oil.", f"Add the {thing} pieces and water.", "Simmer until soft.", "Add cumin."]
    minutes = 10 + number
    source = "\n".join(
        [name, "", "My aunt made this every winter.", f"Prep time: {minutes} minutes. Serves {number + 2}.", "",
         "Ingredients", *(f"- {line}" for line in ingredients), "", "Method",
         *(f"{n}. {step}" for n, step in enumerate(steps, 1))]
    )  # fmt: skip
    gold = {
        "@context": "https://schema.org", "@type": "Recipe", "name": name, "recipeIngredient": ingredients,
        "recipeInstructions": [{"@type": "HowToStep", "text": step} for step in steps],
        "prepTime": f"PT{minutes}M", "recipeYield": str(number + 2),
    }  # fmt: skip
    return EvalRow(f"doc-{number:03d}", source, gold, f"group-{number}", **more)


def news(number: int) -> EvalRow:
    source = f"Acme and Borealis open a lab number {number}. It will hire {number + 20} people. The lab is in Oslo."
    gold = {
        "relevance_score": 4, "key_insights": [f"It will hire {number + 20} people", "The lab is in Oslo"],
        "company_names": ["Acme", "Borealis"], "summary": f"Acme and Borealis open a lab number {number}.",
    }  # fmt: skip
    return EvalRow(f"item-{number}", source, gold, f"issue-{number}")


def dish(number: int) -> EvalRow:
    gold = {"title": f"Plum cake {number}", "ingredients": ["200 g flour", "10 plums", "2 eggs"],
            "directions": ["Mix flour and eggs.", "Lay the plums on top.", "Bake for 40 minutes."]}  # fmt: skip
    return EvalRow(f"dish-{number}", f"Plum cake {number}", gold, f"dish-{number}")


def evaluation(folder: Path, pack: Pack, rows: Sequence[EvalRow], arms: Mapping[str, Callable[[EvalRow], str]]) -> Path:
    """An evaluation's folder with rows, answers and job, as the runner leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    answers = [to_json(Answered(arm, row.id, 0, answer(row), "eos")) for row in rows for arm, answer in arms.items()]
    (folder / ROWS).write_text("".join(json.dumps(to_json(row)) + "\n" for row in rows), "utf-8")
    (folder / ANSWERS).write_text("".join(json.dumps(line) + "\n" for line in answers), "utf-8")
    (folder / JOB).write_text(json.dumps(to_json(EvalJob(pack.name, "rows.jsonl", tuple(arms)))), "utf-8")
    return folder


def gold_json(row: EvalRow) -> str:
    return json.dumps(row.gold)


def without_an_ingredient(row: EvalRow) -> str:
    assert row.gold is not None
    return json.dumps(row.gold | {"recipeIngredient": row.gold["recipeIngredient"][1:]})


def prose(row: EvalRow) -> str:
    return "This looks like a lovely soup."


def settings_for(url: str, **more: Any) -> JudgeSettings:
    return JudgeSettings(url, "judge-of-tests", **{"timeout_s": 5.0, "retries": 2, **more})


async def no_wait(_: float) -> None: ...


def parts(path: Path, **more: Any) -> Parts:
    """No key, no waiting, a cache of its own."""
    return Parts(path / "judge.sqlite3", key=Key(""), sleep=no_wait, **more)
