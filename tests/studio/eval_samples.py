"""A small evaluation on the disk, as the runner leaves it: real documents, scripted answers, real scores and frames.

The tuned arm is mostly right, loses an ingredient here and invents one there, and is cut off once; the base writes
prose, now and then the right answer where the tuned one fails, so that every cell of the 2x2 holds something.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.evals.data import documents, find_data
from training.evals.directory import evals_root, write_job, write_status
from training.evals.frames import write_frames
from training.evals.metrics import primary_metric
from training.evals.records import AGGREGATES, MANIFEST, ROWS, SUMMARY, Answered, EvalJob, EvalRow, EvalStatus
from training.evals.trivial import trivial_arm
from training.task.pack import BUILTIN, Pack, load_pack
from training.task.records import to_json

NASTY = "<img src=x onerror=alert(1)> ${1+1} {{value}}"
TUNED = "adapter:crumb-recipe-jsonld"
ARMS = ("base", "prompted", TUNED, "empty", "constant", "echo", "regex")
DATASET = Path(__file__).resolve().parents[2] / "assets" / "datasets" / "recipe-jsonld-small-a480d258c4ca"
SHA = "5" * 64


def pack_of(task: str = "recipe-jsonld") -> Pack:
    return load_pack(BUILTIN / task)


def sample_rows(count: int) -> list[EvalRow]:
    """Documents of the version that ships, over and over with ids of their own where more are wanted."""
    pack = pack_of()
    found = list(documents(find_data(str(DATASET), pack, Path()), pack))
    return [
        row if at < len(found) else replace(row, id=f"{row.id}-{at}", group=f"{row.group}-{at}")
        for at, row in ((at, found[at % len(found)]) for at in range(count))
    ]


def written(gold: Mapping[str, Any]) -> str:
    return json.dumps(gold, ensure_ascii=False)


def answer_of(arm: str, at: int, row: EvalRow) -> tuple[str, str]:
    """(answer, why it ended) of one arm that has a model."""
    gold = dict(row.gold or {})
    lines = list(gold.get("recipeIngredient") or ())
    if arm == "base":
        if at % 9 == 4:
            return written(gold), "stop"
        return f"This is a lovely post {NASTY} about food. It was cooked slowly, and the author liked it.", "eos"
    if arm == "prompted":
        if at % 3 == 0:
            return f"Here you are:\n```json\n{written({**gold, 'recipeIngredient': lines[:2]})}\n```", "eos"
        return (
            '{"@context": "https://schema.org", "@type": "Recipe", "name": "Recipe Name", "recipeIngredient": [',
            "length",
        )
    if at % 9 == 4:
        return written(gold)[: len(written(gold)) // 2], "length"
    if at % 7 == 2:
        return written({**gold, "recipeIngredient": [*lines[1:], "1 pinch of moon dust"]}), "stop"
    if at % 5 == 3:
        return written(
            {key: value for key, value in gold.items() if key != "recipeYield"} | {"prepTime": "PT15M"}
        ), "stop"
    return written(gold), "stop"


def sample_answers(rows: list[EvalRow], arms: tuple[str, ...] = ARMS) -> dict[str, list[Answered]]:
    """A document's answers, arm by arm."""
    pack = pack_of()
    trivial = {arm: trivial_arm(arm, pack, rows) for arm in arms if arm in ("empty", "constant", "echo", "regex")}
    found: dict[str, list[Answered]] = {}
    for at, row in enumerate(rows):
        found[row.id] = []
        for arm in arms:
            if arm in trivial:
                found[row.id].append(Answered(arm, row.id, 0, trivial[arm](row), "eos"))
                continue
            raw, finish = answer_of(arm, at, row)
            tokens = max(1, len(raw) // 4)
            found[row.id].append(
                Answered(arm, row.id, 0, raw, finish, "a" * 64, 300 + at, tokens, 0.9, 0.2, 0.02 * tokens, 8)
            )
    return found


def make_evaluation(root: Path, evaluation: str = "20261101-101500-aaaaaa", count: int = 24, **more: Any) -> Path:
    """A finished evaluation in `root`; `name`, `arms` and `sha256` may be given."""
    folder, pack = root / evaluation, pack_of()
    arms, name = tuple(more.get("arms", ARMS)), str(more.get("name", "first look"))
    rows = sample_rows(count)
    answers = sample_answers(rows, arms)
    folder.mkdir(parents=True)
    (folder / ROWS).write_text("".join(json.dumps(to_json(row)) + "\n" for row in rows), "utf-8")
    write_frames(pack, rows, lambda row: answers[row.id], folder)
    facts = {
        "evaluation": evaluation, "data": {"name": DATASET.name, "sha256": more.get("sha256", SHA), "part": "test"},
        "n_docs": count, "seed": 7, "versions": {"python": "3.11", "torch": "2.13.0"},
        "models": {"base": {"name": "crumb", "sha256": "b" * 64}}, "noise_floor": {"f1:recipeIngredient": 0.0},
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(facts), "utf-8")
    write_aggregates(folder, pack, arms, name)
    (folder / SUMMARY).write_text("{}", "utf-8")
    write_job(folder, EvalJob(pack.name, DATASET.name, arms, name=name))
    total = count * len(arms)
    write_status(
        folder, EvalStatus(evaluation, name, pack.name, "finished", "", "", total, total, None,
                           created="2026-11-01T10:15:00+00:00"),
    )  # fmt: skip
    return folder


def write_aggregates(folder: Path, pack: Pack, arms: tuple[str, ...], name: str) -> None:
    """As the runner does it."""
    from training.evals.aggregate import aggregate

    found = aggregate(folder, pack)
    found["name"] = name
    (folder / AGGREGATES).write_text(json.dumps(found), "utf-8")
    assert found["primary"] == primary_metric(pack) and len(found["arms"]) == len(arms)


def make_own(home: Path, **more: Any) -> str:
    """A finished evaluation of a person's own; returns its id."""
    return make_evaluation(evals_root(home), **more).name


def under_way(home: Path, state: str = "running", **changes: Any) -> str:
    """One that has no figures yet."""
    folder = evals_root(home) / "20261102-120000-bbbbbb"
    folder.mkdir(parents=True)
    write_job(folder, EvalJob("recipe-jsonld", DATASET.name, ("base", TUNED)))
    status = EvalStatus(folder.name, "second look", "recipe-jsonld", state, "answering", "base", 120, 600, 260.0,
                        created="2026-11-02T12:00:00+00:00")  # fmt: skip
    write_status(folder, replace(status, **changes))
    return folder.name
