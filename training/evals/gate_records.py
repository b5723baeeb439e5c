"""The gates that ask the records instead of a figure: the data, the golden documents, the judge, reproducibility.

They need the evaluation's folder; from aggregates alone they do not apply.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from training.errors import StudioError
from training.evals.charts.view import number
from training.evals.charts.words import num, plural
from training.evals.figures import Figures
from training.evals.gate_numbers import APART, FAIL, PASS, UNSURE, GateVerdict
from training.evals.gate_rules import Ask, Gate
from training.evals.judge.frame import NOTE
from training.evals.records import CARD, GEN, SCORES, read_arm

GOLDEN = "golden"
LEAKS = {
    "exact": "have the same words as a training row",
    "near": "are nearly one",
    "groups": "share a group with one",
}
RIGHT = ("slot", "f1", "abstain")  # a critical field is right where each of these that it has is 1


def data(ask: Ask) -> Gate:
    """No test document near the training rows, the same prompt for arms that should share it, keys named in prompts; of
    rows that were parted by date every training row earlier. What nobody looked for is insufficient data."""
    rule = "No training row near a test document, by date all earlier; same prompt, same hash; every key in the prompts"
    gate = Gate("data", "Data and prompts are fair", rule, PASS)
    faults = [*_unnamed_keys(ask.figures), *_prompt_faults(ask)]
    looked = [_leaks(ask), _dates(ask)]
    faults += [told for verdict, told in looked if verdict is FAIL]
    if faults:
        return replace(gate, verdict=FAIL, why=" ".join(faults))
    verdict = UNSURE if any(verdict is UNSURE for verdict, _ in looked) else PASS
    return replace(gate, verdict=verdict, why=" ".join(["Prompts are fair.", *(told for _, told in looked if told)]))


def _unnamed_keys(figures: Figures) -> list[str]:
    pack = figures.pack
    text = pack.answer.kind == "text"
    names = [section.head for section in pack.answer.sections] if text else [spec.name for spec in pack.fields]
    missing = [name for name in names if name not in pack.user]
    return [f"The prompt does not name {', '.join(missing)}."] if missing else []


def _prompt_faults(ask: Ask) -> list[str]:
    """Base and adapter are asked with the same prompt; a document whose prompts differ was not compared fairly."""
    from training.evals.frames import read_frame

    arms = [arm for arm in ask.figures.arms("base", "adapter") if not _prompted(arm)]
    if ask.folder is None or len(arms) < 2 or not (ask.folder / GEN).is_file():
        return []
    frame = read_frame(ask.folder, GEN, ["arm", "doc", "k", "prompt_sha256"], {"arm": arms})
    frame = frame[(frame["k"] == 0) & (frame["prompt_sha256"].fillna("") != "")]
    differing = int((frame.groupby("doc", observed=True)["prompt_sha256"].nunique() > 1).sum())
    return [f"{plural(differing, 'document')} had other prompts in one arm than in another."] if differing else []


def _prompted(arm: str) -> bool:
    try:
        return read_arm(arm).prompted
    except StudioError:
        return True  # answers made elsewhere: nobody knows their prompt


def _leaks(ask: Ask) -> tuple[GateVerdict, str]:
    """Whether a training row is too near to a test document, in words."""
    table = ask.figures.view.table("leakage")
    counts = {words: number(table.get(key)) or 0 for key, words in LEAKS.items()}
    told = [f"{round(count):,} {words}" for words, count in counts.items() if count]
    if told:
        return FAIL, f"Of the test documents, {', '.join(told)}."
    if ask.figures.unlooked:
        return UNSURE, ask.figures.unlooked
    return PASS, "No test document stands among the training rows, whole, nearly or by its group."


def _dates(ask: Ask) -> tuple[GateVerdict, str]:
    """Rows that were parted by date have to keep it; of others the dates are only told."""
    table = ask.figures.view.table("leakage")
    told, holds = str(table.get("dates") or ""), table.get("dates_hold")
    if table.get("split_by") != "date":
        return PASS, ""
    if holds is None:
        return UNSURE, "The rows were parted by date, and nobody can say whether all training rows are earlier."
    return (PASS if holds else FAIL), f"Parted by date: {told}."


def golden(ask: Ask) -> Gate:
    """Critical fields that the base has right and the tuned arm has not, on documents kept for this."""
    rule = "No critical field that the base had right is broken on golden documents"
    gate = Gate("golden", "Nothing that worked is broken", rule, PASS)
    if ask.folder is None or not (ask.folder / SCORES).is_file():
        return replace(gate, verdict=APART, why="Needs the evaluation's scores.")
    broken, docs = newly_broken(ask)
    if not docs:
        return replace(gate, verdict=APART, why="No golden document is among those evaluated.")
    if broken:
        why = f"Broken on {plural(len(broken), 'document')}: {', '.join(broken[:5])}."
        return replace(gate, verdict=FAIL, measured=float(len(broken)), n=docs, why=why, ids=tuple(broken))
    return replace(gate, measured=0.0, n=docs, why=f"None on {plural(docs, 'golden document')}.")


def newly_broken(ask: Ask) -> tuple[list[str], int]:
    """(documents where a critical field went from right to wrong, golden documents)."""
    from training.evals.frames import read_frame

    where: Mapping[str, Any] = {"arm": [ask.base, ask.arm], "part": GOLDEN, "tier": "strict"}
    frame = read_frame(ask.folder, SCORES, ["arm", "doc", "k", "field", "metric", "value"], where)  # pyright: ignore[reportArgumentType]
    frame = frame[frame["k"] == 0]
    docs = int(frame["doc"].nunique())
    pack = ask.figures.pack
    critical = {spec.name for spec in pack.fields if spec.critical}
    if pack.answer.grounded:
        frame = frame[frame["field"].isin(critical) & frame["metric"].isin(RIGHT)].dropna(subset=["value"])
    else:
        frame = frame[frame["metric"] == "strict"]  # no single right answer: the form is what can break
    right = frame.groupby(["arm", "doc", "field"], observed=True)["value"].min() >= 1
    before = {key[1:] for key, fine in right.items() if fine and key[0] == ask.base}
    after = {key[1:] for key, fine in right.items() if fine and key[0] == ask.arm}
    return sorted({str(doc) for doc, _ in before - after}), docs


def judge(ask: Ask) -> Gate:
    """Only a judge that its calibration lets decide; without pairs its scores have to lie apart."""
    rule = "A calibrated judge scores the arm above the base, their intervals apart"
    gate = Gate("judge", "The judge agrees", rule, APART, why="No calibrated judge was asked.")
    if ask.folder is None or not (ask.folder / NOTE).is_file():
        return gate
    from training.evals.judge.tables import judge_tables

    found = judge_tables(ask.folder)
    if not found.get("calibrated"):
        return replace(gate, why=f"The judge may not decide: {found.get('label') or 'it is not calibrated'}.")
    ends = [[number((found.get("overall") or {}).get(arm, {}).get(key)) for key in ("value", "low", "high")]
            for arm in (ask.base, ask.arm)]  # fmt: skip
    (_, base_low, base_high), (value, low, high) = ends
    if base_low is None or base_high is None or value is None or low is None or high is None:
        return replace(gate, why="The judge scored only one of the two arms.")
    verdict = PASS if low >= base_high else FAIL if high < base_low else UNSURE
    words = f"{num(value)} [{num(low)}, {num(high)}] of 10; the base [{num(base_low)}, {num(base_high)}]."
    return replace(gate, verdict=verdict, measured=value, bound=low, why=words)


def reproducibility(ask: Ask) -> Gate:
    rule = "Hashes of data, prompts and weights, decoding, seeds and versions are kept; a model card is there"
    gate = Gate("reproducibility", "Anyone can do it again", rule, PASS)
    if ask.folder is None:
        return replace(gate, verdict=APART, why="Needs the evaluation's folder.")
    if not ask.manifest:
        return replace(gate, verdict=FAIL, why="There is no manifest.")
    if missing := missing_facts(ask.manifest, ask.arm):
        return replace(gate, verdict=FAIL, why=f"The manifest lacks {', '.join(missing)}.")
    if not (ask.folder / CARD).is_file():
        return replace(gate, verdict=FAIL, why="There is no model card yet: python -m training card DIR.")
    elsewhere = not _is_model(_facts(ask.manifest, ask.arm))
    why = "Answers were made elsewhere: their model is not known here, their figures are." if elsewhere else ""
    return replace(gate, why=why or "Manifest and model card are there.")


def missing_facts(manifest: Mapping[str, Any], arm: str) -> list[str]:
    """What somebody who wants the same figures again would lack, in words."""
    wanted = {"the data's hash": (manifest.get("data") or {}).get("sha256"), "versions": manifest.get("versions")}
    facts = _facts(manifest, arm)
    if _is_model(facts):
        decoding = manifest.get("decoding") or {}
        wanted |= {
            "decoding": decoding.get("sampling"),
            "seeds": decoding.get("seeds"),
            "the prompts' hash": facts.get("prompts_sha256"),
            "the base's hash": facts.get("base_sha256"),
        }
        if facts.get("kind") == "adapter":
            wanted["the adapter's hash"] = facts.get("adapter_sha256")
    return [words for words, found in wanted.items() if found in (None, "", [], {})]


def _facts(manifest: Mapping[str, Any], arm: str) -> Mapping[str, Any]:
    return (manifest.get("arms") or {}).get(arm) or {}


def _is_model(facts: Mapping[str, Any]) -> bool:
    return facts.get("kind") in ("base", "adapter")
