"""Tables against counts made by hand: tiers, clusters, lengths, outcomes, relevance, agreement, slices, strip."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.evals.hand_frames import item, score, write_by_hand
from training.errors import DataError
from training.evals.cells import Cells
from training.evals.measuring import measure_all
from training.evals.metrics import metric_specs
from training.evals.records import GEN, ITEMS, SCORES
from training.evals.tables import answers as gen
from training.evals.tables import beside, items, slicing
from training.evals.tables.arms import arm_records
from training.evals.tables.cells import own_values, read_cells
from training.evals.tables.checkpoints import checkpoints
from training.evals.tables.several import several
from training.evals.tables.spread import MOST, strip_table
from training.runs.config import RunConfig
from training.runs.directory import append_sample, create_run, run_folder
from training.runs.records import Sample, Step
from training.task.pack import BUILTIN, load_pack
from training.task.records import to_json
from training.task.score.variety import sample_scores

RECIPE = load_pack(BUILTIN / "recipe-jsonld")
NEWS = load_pack(BUILTIN / "news-metadata")
F1 = next(spec for spec in metric_specs(RECIPE) if spec.name == "f1:recipeIngredient")


def test_gen_becomes_counts_and_quantiles_and_examples(tmp_path: Path) -> None:
    rows = [{"arm": "base", "doc": f"d{at}", "tier": "failed", "error": "no_json", "chars": at, "new_tokens": 0}
            for at in range(4)]  # fmt: skip
    rows += [{"arm": "tuned", "doc": f"d{at}", "chars": 100 + at, "finish": "length" if at == 3 else "eos",
              "error": "no_json" if at == 0 else "time_wrong" if at == 3 else "", "style": "clean"}
             for at in range(4)]  # fmt: skip
    write_by_hand(tmp_path, {GEN: rows})
    found = gen.read_answers(tmp_path)
    assert gen.tiers_table(found)["counts"] == {"base": {"failed": 4}, "tuned": {"strict": 4}}
    table = gen.clusters_table(found, str.title, lambda _: "data")
    assert table["arms"]["base"] == {"n": 4, "clusters": {"no_json": {"n": 4, "docs": ["d0", "d1", "d2", "d3"]}}}
    assert table["moved"] == {"base|tuned": {"no_json": [3, 0], "time_wrong": [0, 1]}}
    lengths = gen.lengths_table(found, {"tuned": np.array([1.0, np.nan, 3.0])}, 200)
    assert lengths["max_new_tokens"] == 200
    assert lengths["arms"]["base"]["tokens"] == []  # nothing was decoded
    tuned = lengths["arms"]["tuned"]
    assert (tuned["cut"], tuned["chars"][0], tuned["chars"][-1], tuned["words"][10]) == (1, 100, 103, 2)
    assert found.docs["d0"] == ("", "", "")


def test_blocks_of_scores_become_cells_in_one_order(tmp_path: Path) -> None:
    rows = [score(arm, doc, "f1", value, "recipeIngredient", n=4)
            for arm, doc, value in (("a", "x", 0.5), ("a", "y", 1.0), ("b", "y", 0.0), ("b", "x", None))]  # fmt: skip
    rows.append(score("b", "x", "f1", 0.75, "recipeIngredient", tier="repaired", n=4))
    write_by_hand(tmp_path, {SCORES: rows})
    cells = read_cells(tmp_path, [F1], ["x", "y"])
    assert cells["strict"]["a"].docs == cells["repaired"]["b"].docs == ("x", "y")
    assert own_values(F1, cells["strict"]["a"]).tolist() == [0.5, 1.0]
    assert np.isnan(own_values(F1, cells["strict"]["b"])[0])
    assert own_values(F1, cells["repaired"]["b"]).tolist() == [0.75, 0.0]
    assert cells["usable"]["a"] is cells["strict"]["a"]  # nothing of it needs help, so nothing is held twice


def test_items_count_each_thing_once(tmp_path: Path) -> None:
    rows = [
        item("t", "d1", "recipeIngredient", "COR"),
        item("t", "d1", "recipeIngredient", "COR", side="pred"),
        item("t", "d1", "recipeIngredient", "MIS", idx=1),
        item("t", "d2", "recipeIngredient", "SPU", side="pred"),
        item("t", "d2", "prepTime", "NUL", idx=-1, text=""),
        item("t", "d1", "prepTime", "INC"),
        item("t", "d1", "prepTime", "INC", side="pred"),
    ]
    write_by_hand(tmp_path, {ITEMS: rows})
    found = items.read_items(tmp_path, RECIPE)
    table = items.outcomes_table(found, RECIPE, {})["fields"]
    wanted = {"COR": 1, "NUL": 0, "INC": 0, "MIS": 1, "SPU": 1}
    assert {key: table["recipeIngredient"]["arms"]["t"][key] for key in wanted} == wanted
    assert table["recipeIngredient"]["arms"]["t"]["low"] <= 1 / 3 <= table["recipeIngredient"]["arms"]["t"]["high"]
    assert table["prepTime"]["arms"]["t"]["NUL"] == table["prepTime"]["arms"]["t"]["INC"] == 1
    counts = items.counts_table(found, RECIPE)["recipeIngredient"]["arms"]["t"]
    assert counts == {"points": [[0, 1, 1], [2, 1, 1]], "n": 2}


def test_relevance_holds_the_constant_that_sets_the_floor(tmp_path: Path) -> None:
    golds, given = [9, 9, 9, 5], ["9", "8", None, "12"]
    rows = [item("t", f"d{at}", "relevance_score", "", text=str(gold)) for at, gold in enumerate(golds)]
    rows += [item("t", f"d{at}", "relevance_score", "", side="pred", text=text)
             for at, text in enumerate(given) if text is not None]  # fmt: skip
    write_by_hand(tmp_path, {ITEMS: rows})
    table = items.relevance_table(items.read_items(tmp_path, NEWS), NEWS)
    assert (table["constant"], table["mae_constant"]) == (9.0, 1.0)
    assert table["arms"]["t"]["counts"] == [[9, 8, 1], [9, 9, 1]]
    assert table["arms"]["t"]["invalid"] == 2  # none given, and 12 which is none: never clipped into range
    assert table["arms"]["t"]["docs"] == {"9,9": ["d0"], "9,8": ["d1"]}
    assert items.relevance_table(items.Items(), NEWS) == {}


def test_agreement_is_the_metric_of_the_scorecard() -> None:
    said = [[{"key_insights": ["a", "b"], "summary": ""}, {"key_insights": ["a"], "summary": ""}, None],
            [{"key_insights": ["a"]}, {"key_insights": ["a"]}, {"key_insights": ["a"]}]]  # fmt: skip
    cells = Cells.from_scores([sample_scores(NEWS, ["x", "y", "z"], objects) for objects in said])
    measured = {name: to_json(one) for name, one in measure_all(metric_specs(NEWS), cells).items()}
    table = items.consistency_table({"t": measured}, NEWS, 3, 0.7)
    shown = table["fields"]["key_insights"]["arms"]["t"]
    assert shown["value"] == measured["agreement:key_insights"]["value"] == pytest.approx((2 / 3 / 3 + 1) / 2)
    assert shown["n"] == 2
    assert items.consistency_table({"t": measured}, NEWS, 1, 0.7)["fields"] == {}


def test_two_answers_without_an_object_agree_on_nothing() -> None:
    failed = {(s.metric, s.field): s.value for s in sample_scores(NEWS, ["x", "y"], [None, None])}
    assert failed[("agreement", "summary")] == 0.0
    silent = {(s.metric, s.field): s.value for s in sample_scores(NEWS, ["x", "y"], [{}, {}])}
    assert silent[("agreement", "summary")] is None, "nothing was said that could be the same"


def cells_of(values: list[float], docs: list[str] | None = None) -> Cells:
    key = ("f1", "recipeIngredient")
    names = docs or [f"d{at:04d}" for at in range(len(values))]
    return Cells(tuple(names), {key: np.array(values)}, {}, {})


def test_slices_are_cut_by_what_documents_are_and_how_long() -> None:
    docs = [f"d{at}" for at in range(60)]
    cells = cells_of([0.5] * 60, docs)
    about = {doc: ("", "clean" if at % 2 else "rambling", "test") for at, doc in enumerate(docs)}
    found = slicing.slices_of(cells, about, {doc: at for at, doc in enumerate(docs)}, RECIPE)
    assert [cut.key for cut in found] == ["style=clean", "style=rambling", "length=1", "length=2", "length=3"]
    assert sum(int(cut.mask.sum()) for cut in found[2:]) == 60
    assert found[0].where == {"style": "clean"} and not found[2].where
    assert slicing.slices_of(cells, {}, {}, RECIPE) == []  # one part alone, or nothing known: no slice


def test_a_slice_tells_the_paired_difference_and_is_corrected() -> None:
    rng = np.random.default_rng(3)
    a, b = np.clip(rng.normal(0.3, 0.1, 40), 0, 1), np.clip(rng.normal(0.9, 0.05, 40), 0, 1)
    b[20:] = a[20:]
    arms = {"a": cells_of(a.tolist()), "b": cells_of(b.tolist())}
    half = np.arange(40) < 20
    cuts = [slicing.Slice("style=x", "x", half, {"style": "x"}), slicing.Slice("length=1", "short", ~half, {})]
    table = slicing.slices_table(cuts, arms, [("a", "b")], [F1])
    better, same = table["cells"]
    assert better["difference"] == pytest.approx(float((b - a)[:20].mean())) and better["p_adjusted"] < 0.01
    assert same["difference"] == 0 and same["p_adjusted"] == 1
    assert table["rows"][1]["docs"][0] == "d0020"


def test_a_strip_of_many_keeps_ends_and_quantiles() -> None:
    n = 2000
    a = cells_of([0.5] * n)
    b = cells_of([0.5 + at / 4000 for at in range(n)])
    table = strip_table(F1, {"strict": {"a": a, "b": b}}, [("a", "b")])
    assert table["n"] == n and len(table["docs"]) < MOST
    assert {"d0000", "d1999"} <= set(table["docs"])
    told = table["pairs"]["strict"]["a|b"]
    assert (told["wins"], told["ties"], told["losses"], len(told["quantiles"])) == (1999, 1, 0, 51)
    few = strip_table(F1, {"strict": {"a": cells_of([0.1, 0.2]), "b": cells_of([0.3, float("nan")])}}, [("a", "b")])
    assert few["tiers"]["strict"]["b"] == [0.3, None] and not few["pairs"]


def test_times_alone_come_before_times_in_a_batch(tmp_path: Path) -> None:
    rows = [{"arm": arm, "doc": f"d{at}", "gen_s": 8.0, "batch_size": 8} for arm in ("a", "b") for at in range(4)]
    rows += [{"arm": "empty", "doc": "d0", "gen_s": None, "batch_size": 0}]
    write_by_hand(tmp_path, {GEN: rows})
    key = ("latency_s", "")
    cells = {"a": Cells(("d0", "d1"), {key: np.array([2.0, 4.0])}, {}, {})}
    known = {"latency": {"a": {"peak_memory_bytes": 5}}, "arms": {"a": {"adapter_bytes": 7}}}
    table = beside.cost_table(gen.read_answers(tmp_path), cells, known)["arms"]
    assert (table["a"]["seconds"], table["a"]["how"], table["a"]["memory_bytes"]) == (3.0, "alone", 5)
    assert (table["b"]["seconds"], table["b"]["how"]) == (1.0, "batch")
    assert (table["a"]["adapter_bytes"], table["b"]["adapter_bytes"]) == (7, None)
    assert "empty" not in table  # nobody decoded anything


def test_leaks_are_those_of_the_documents_that_were_asked(tmp_path: Path) -> None:
    report = {
        "n_train": 9, "n_test": 3, "threshold": 0.8,
        "nearest": [{"test_id": "a", "similarity": 0.95}, {"test_id": "b", "similarity": 0.1},
                    {"test_id": "c", "similarity": 0.0}],
        "near": [{"test_id": "a"}], "exact": [{"test_id": "c"}], "groups": [], "answers": [],
        "dates": {"last_train": "2025-01-01", "first_test": "2024-12-02", "holds": False},
    }  # fmt: skip
    (tmp_path / "leaks.json").write_text(json.dumps(report))
    table = beside.leakage_table(tmp_path, ["a", "b"])
    assert (table["near"], table["exact"], table["n_test"], sum(table["counts"])) == (1, 0, 2, 2)
    assert "NOT all training is earlier" in table["dates"]
    assert (table["n_docs"], table["dates_hold"], table["split_by"]) == (2, False, "")
    assert beside.leakage_table(tmp_path / "nowhere", ["a"]) == {}
    (tmp_path / "manifest.json").write_text(json.dumps({"data": {"kind": "version", "split_by": "date"}}))
    assert beside.leakage_table(tmp_path, ["a"])["split_by"] == "date"
    other = beside.leakage_table(tmp_path, ["dev-1", "dev-2"])
    assert other == {"n_docs": 2, "n_test": 0}, "figures of other documents say nothing about these"


def test_a_sweep_becomes_trials_and_the_tied_ones() -> None:
    trials = [{"number": at, "values": {"rank": 8 * at}, "score": score, "run": f"r{at}", "n": 20}
              for at, score in enumerate((0.4, 0.7, None))]  # fmt: skip
    table = beside.sweep_table({"metric": "f1:x", "best": 1, "tied": [1], "trials": trials}, {"why": "No run."})
    assert [(row["label"], row["tied"]) for row in table["trials"]] == [("rank 0", False), ("rank 8", True)]
    assert table["no_checkpoints"] == "No run." and table["checkpoints"] == []
    assert beside.sweep_table({}, {})["trials"] == []


def test_checkpoints_are_read_from_the_run_behind_an_adapter(tmp_path: Path) -> None:
    folder = tmp_path / "evals" / "one"
    assert "No arm is an adapter" in checkpoints(folder, [])["why"]
    assert "No run of this home made gone" in checkpoints(folder, ["gone"])["why"]
    facts = create_run(tmp_path, RunConfig(dataset="x"))
    run = run_folder(tmp_path, facts.run)
    assert "eval_steps" in checkpoints(folder, [facts.run])["why"]
    steps = [Step(at, loss=2.0 / at, dev_loss=3.0 - at if at % 2 == 0 else None) for at in range(1, 5)]
    (run / "metrics.jsonl").write_text("".join(json.dumps(to_json(step)) + "\n" for step in steps))
    assert "sample_steps" in checkpoints(folder, [facts.run])["why"]
    for at, tiers in ((1, ("failed", "failed")), (4, ("strict", "failed"))):
        for row, tier in enumerate(tiers):
            append_sample(run, Sample(at, f"r{row}", "text", "raw", tier, "eos", 0.1))
    found = checkpoints(folder, ["gone", facts.run])
    assert [(row["label"], row["loss"], row["score"], row["n"]) for row in found["checkpoints"]] == [
        ("step 2", 1.0, 0.0, 2), ("step 4", -1.0, 0.5, 2)
    ]  # fmt: skip
    assert found["why"] == ""


def test_all_arms_are_ranked_at_once() -> None:
    rng = np.random.default_rng(5)
    base = rng.random(40) / 2
    arms = {name: cells_of((base + lift).tolist()) for name, lift in (("low", 0.0), ("high", 0.4), ("mid", 0.2))}
    table = several(F1, arms)
    assert [row["arm"] for row in table["arms"]] == ["high", "mid", "low"] and table["n"] == 40
    assert [row["rank"] for row in table["arms"]] == [1.0, 2.0, 3.0] and table["p"] < 1e-9
    assert several(F1, dict(list(arms.items())[:2])) == {}
    pairs = tuple(f"c{at // 2}" for at in range(40))
    grouped = {name: replace(one, clusters=pairs) for name, one in arms.items()}
    assert several(F1, grouped)["n"] == 20, "a group of dependent documents counts once"


def test_arms_get_names_colours_and_an_order() -> None:
    names = [
        "adapter+constrained:x",
        "adapter:x",
        "adapter:y",
        "prompted",
        "base",
        "base+constrained",
        "empty",
        "imported:base",
        "imported:z",
    ]
    found = arm_records(names)
    assert [arm["name"] for arm in found][:3] == ["empty", "prompted", "base"]
    roles = {arm["name"]: arm["colour_role"] for arm in found}
    assert roles["adapter:x"] == roles["adapter+constrained:x"] == "tuned" and roles["adapter:y"] == "second"
    assert roles["imported:base"] == "base" and roles["imported:z"] == "third" and roles["empty"] == "trivial"
    assert roles["base"] == roles["base+constrained"] == "base" and roles["prompted"] == "prompted"
    labels = {arm["name"]: arm["label"] for arm in found}
    assert labels["base+constrained"] == "base, held to the schema"
    assert labels["adapter+constrained:x"] == "x, held to the schema" and labels["imported:z"] == "z"


def test_a_wider_tier_differs_where_it_has_rows_alone(tmp_path: Path) -> None:
    rows = [score("a", doc, "f1", 0.5, "recipeIngredient", n=4) for doc in ("x", "y", "z")]
    rows += [score("a", doc, "strict", value) for doc, value in (("x", 1.0), ("y", 0.0), ("z", 1.0))]
    rows += [score("a", "y", "f1", 1.0, "recipeIngredient", tier="usable", n=4),
             score("a", "y", "strict", 0.0, tier="usable")]  # fmt: skip
    write_by_hand(tmp_path, {SCORES: rows})
    strict = next(spec for spec in metric_specs(RECIPE) if spec.name == "strict")
    cells = read_cells(tmp_path, [F1, strict], ["z", "y", "x"])
    assert own_values(F1, cells["usable"]["a"]).tolist() == [0.5, 1.0, 0.5]
    assert own_values(F1, cells["strict"]["a"]).tolist() == [0.5, 0.5, 0.5]
    assert cells["usable"]["a"].values["strict", ""] is cells["strict"]["a"].values["strict", ""]
    assert cells["repaired"]["a"] is cells["strict"]["a"]
    with pytest.raises(DataError, match="no figures of w"):
        read_cells(tmp_path, [F1], ["x", "y", "z", "w"])


def test_what_a_text_lacks_is_a_slice() -> None:
    docs = tuple(f"d{at}" for at in range(12))
    half = np.array([1.0] * 6 + [np.nan] * 6)
    values = {("abstain", name): half for name in ("recipeIngredient", "prepTime", "cookTime", "totalTime")}
    found = slicing.slices_of(Cells(docs, values, {}, {}), {}, {}, RECIPE)
    assert [(cut.key, int(cut.mask.sum())) for cut in found] == [("missing=recipeIngredient", 6), ("missing=times", 6)]
