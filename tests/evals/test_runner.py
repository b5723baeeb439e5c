"""An evaluation from documents to figures: predictions, trivial arms, real tiny models, stops, what is taken over."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.teacher.server import Say, Teacher, completion, fault
from tests.evals.eval_rows import ROWS, lines, right
from training.background import now
from training.engine import eval_arms
from training.errors import DataError, InputError, ModelError, StudioError
from training.evals import runner
from training.evals.answering import latency_docs_of, spread
from training.evals.directory import read_status, write_job
from training.evals.frames import read_frame
from training.evals.manifest import read_manifest
from training.evals.records import EvalJob, EvalStatus
from training.evals.runner import run_evaluation
from training.runs.lease import Lease
from training.task.records import Sampling

SHORT = Sampling(max_new_tokens=6)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures, report and card are other tests' matter."""
    monkeypatch.setattr(runner, "_tables", lambda _run, _pack: None)
    monkeypatch.setattr(runner, "_pages", lambda _run, _pack: None)


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(lines(tmp_path / "data.jsonl", ROWS))


@pytest.fixture
def home(tiny_models: Path, tmp_path: Path) -> Path:
    root = tmp_path / "home"
    root.mkdir()
    for kind in ("models", "adapters"):
        (root / kind).symlink_to(tiny_models / kind, target_is_directory=True)
    return root


def job(data: str, *arms: str, **more: Any) -> EvalJob:
    usual = {"base": "llama", "sampling": SHORT, "batch_size": 2, "latency_rows": 1, "noise_rows": 2}
    return EvalJob("recipe-jsonld", data, arms, **{**usual, **more})


def answers(folder: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    found = map(json.loads, (folder / "answers.jsonl").read_text("utf-8").splitlines())
    return {(line["arm"], line["doc"], line["k"]): line for line in found}


def test_predictions_are_measured_by_the_same_rules(data: str, tmp_path: Path) -> None:
    given = [right(row, arm="good") for row in ROWS] + [{"id": "a", "output": "sorry", "arm": "bad"}]
    predictions = str(lines(tmp_path / "p.jsonl", given))
    told: list[EvalStatus] = []
    folder = tmp_path / "out"
    status = run_evaluation(
        EvalJob("recipe-jsonld", data, ("empty",), predictions=predictions), folder, tmp_path, told.append
    )
    assert (status.state, status.done, status.total) == ("finished", 12, 12) == (told[-1].state, 12, 12)
    assert read_status(folder) == status
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert list(summary["arms"]) == ["empty", "good", "bad"]
    good, bad = summary["arms"]["good"], summary["arms"]["bad"]
    assert (good["strict"]["value"], good["f1:recipeIngredient"]["value"]) == (1.0, 1.0)
    assert (good["f1:recipeIngredient"]["n_scored"], good["f1:recipeIngredient"]["n_total"]) == (2, 4)
    assert (bad["strict"]["value"], bad["strict"]["n_total"]) == (0.0, 4)
    pairs = {(pair["a"], pair["b"], pair["metric"]): pair for pair in summary["pairs"]}
    assert pairs["good", "bad", "strict"]["difference"] == -1.0
    manifest = read_manifest(folder)
    assert manifest["arms"]["imported:bad"]["missing"] == 3
    assert any("3 predictions of bad are missing" in notice for notice in manifest["notices"])
    assert {p.name for p in folder.iterdir()} >= {
        "rows.jsonl", "answers.jsonl", "gen.parquet", "scores.parquet", "items.parquet", "judge.parquet",
        "aggregates.json", "manifest.json", "summary.json", "report.html", "card.md", "job.json", "status.json",
    }  # fmt: skip
    assert str(tmp_path) not in (folder / "manifest.json").read_text("utf-8")
    assert manifest["finished"] in (folder / "card.md").read_text("utf-8"), "the card says when it was made"
    assert manifest["seconds"].keys() >= {"scoring", "writing"}


@pytest.mark.usefixtures("plain")
def test_models_answer_and_the_manifest_says_how(data: str, home: Path, tmp_path: Path) -> None:
    lines(tmp_path / "data.jsonl", [ROWS[3], ROWS[2]])
    folder, arms = tmp_path / "out", ("constant", "base", "shots", "adapter:llama-a")
    status = run_evaluation(job(data, *arms), folder, home)
    assert (status.state, status.done, status.total) == ("finished", 8, 8)
    gen = read_frame(folder, "gen")
    assert dict(gen.groupby("arm").size()) == dict.fromkeys(arms, 2)
    asked = gen[gen["arm"] == "base"]
    assert (asked["new_tokens"] > 0).all() and (asked["batch_size"] == 2).all() and asked["ttft_s"].notna().all()
    assert set(asked["prompt_sha256"]) == set(gen[gen["arm"] == "adapter:llama-a"]["prompt_sha256"])
    metrics = set(read_frame(folder, "scores", ["metric"], {"arm": "base"})["metric"])
    assert {"latency_s", "ttft_s", "chars_per_s", "new_tokens", "bits_per_byte", "strict"} <= metrics
    manifest = read_manifest(folder)
    base, adapter = manifest["arms"]["base"], manifest["arms"]["adapter:llama-a"]
    assert base["prompts_sha256"] == adapter["prompts_sha256"] != manifest["arms"]["shots"]["prompts_sha256"]
    assert len(adapter["adapter_sha256"]) == 64 and adapter["base_sha256"] == base["base_sha256"]
    assert sum(manifest["arms"]["shots"]["shots_used"].values()) == 2
    assert manifest["noise"]["batch_sizes"] == [2, 1] and manifest["noise"]["arm"] == "adapter:llama-a"
    assert (manifest["noise"]["rows"], 0 <= manifest["noise"]["share_different"] <= 1) == (2, True)
    assert set(manifest["latency"]) == set(arms[1:])
    assert manifest["latency"]["base"].keys() >= {
        "ttft_s",
        "s_per_doc",
        "chars_per_s",
        "docs_per_min",
        "peak_memory_bytes",
    }
    assert manifest["latency"]["base"]["prefill_tokens_per_s"] > 0 and "prefill_tokens_per_s" in metrics
    assert manifest["latency"]["base"]["peak_memory_bytes"] > 0
    assert adapter["adapter_bytes"] > 0 and "adapter_bytes" not in base
    assert manifest["seeds"] == [7] and manifest["decoding"]["batch_size"] == 2 and manifest["device"]
    assert manifest["versions"]["torch"] and len(manifest["files"]) == 5


def stop_after(monkeypatch: pytest.MonkeyPatch, answers: int) -> Callable[[], bool]:
    """True once so many answers of models were kept."""
    seen: list[int] = []
    original = runner.AnswersLog.append

    def append(self: Any, answer: Any) -> None:
        original(self, answer)
        if answer.batch_size:
            seen.append(1)

    monkeypatch.setattr("training.evals.answers_log.AnswersLog.append", append)
    return lambda: len(seen) >= answers


@pytest.mark.usefixtures("plain")
def test_a_stopped_evaluation_goes_on_at_the_next_answer(
    data: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = job(data, "base", "adapter:llama-a", samples=2, latency_rows=0, noise_rows=0, limit=3)
    whole, folder = tmp_path / "whole", tmp_path / "out"
    run_evaluation(what, whole, home)
    with monkeypatch.context() as patch:
        status = run_evaluation(what, folder, home, stop=stop_after(patch, 5))
    assert status.state == "cancelled" == read_status(folder).state
    before = answers(folder)
    assert 5 <= len(before) < 12 and not (folder / "gen.parquet").exists()
    with (folder / "answers.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"arm": "base", "do')
    assert run_evaluation(what, folder, home).state == "finished"
    after = answers(folder)
    assert {key: after[key] for key in before} == before
    assert {key: line["raw"] for key, line in after.items()} == {
        key: line["raw"] for key, line in answers(whole).items()
    }
    assert any("cut off while it was written" in notice for notice in read_manifest(folder)["notices"])


@pytest.mark.usefixtures("plain")
def test_nothing_is_asked_twice_and_what_changed_is_asked_again(
    data: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, what = tmp_path / "out", job(data, "base", "adapter:llama-a", limit=2)
    run_evaluation(what, folder, home)
    first = answers(folder)
    opened: list[str] = []
    original = eval_arms.open_arms

    def watched(base: str, adapters: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(base)
        return original(base, adapters, *args, **kwargs)

    monkeypatch.setattr(eval_arms, "open_arms", watched)
    run_evaluation(replace(what, arms=("empty", *what.arms)), folder, home)
    assert opened == [] and {key: answers(folder)[key] for key in first} == first
    changed = replace(what, sampling=replace(SHORT, max_new_tokens=4))
    run_evaluation(changed, folder, home)
    assert opened == ["llama"] and all(line["new_tokens"] <= 4 for line in answers(folder).values())
    assert any("has changed since it answered" in notice for notice in read_manifest(folder)["notices"])
    lines(tmp_path / "data.jsonl", [{**row, "source": row["source"] + "!"} for row in ROWS])
    run_evaluation(changed, folder, home)
    assert len(opened) == 2


@pytest.mark.usefixtures("plain")
def test_samples_have_seeds_of_their_own(data: str, home: Path, tmp_path: Path) -> None:
    hot = Sampling(temperature=1.0, max_new_tokens=6)
    what = job(data, "base", samples=3, sampling=hot, latency_rows=0, noise_rows=0, limit=1)
    run_evaluation(what, tmp_path / "one", home)
    run_evaluation(what, tmp_path / "two", home)
    said = [answers(tmp_path / name)["base", "a", k]["raw"] for name in ("one", "two") for k in range(3)]
    assert said[:3] == said[3:] and len(set(said)) > 1


@pytest.mark.usefixtures("plain")
def test_arms_with_temperatures_of_their_own_stand_side_by_side(data: str, home: Path, tmp_path: Path) -> None:
    what = job(data, "base@0", "base@1.5", samples=3, latency_rows=0, noise_rows=0, limit=1)
    run_evaluation(what, tmp_path / "out", home)
    said = {arm: [answers(tmp_path / "out")[arm, "a", k]["raw"] for k in range(3)] for arm in ("base@0", "base@1.5")}
    assert len(set(said["base@0"])) == 1 < len(set(said["base@1.5"]))
    manifest = read_manifest(tmp_path / "out")
    assert [manifest["arms"][arm]["temperature"] for arm in said] == [0.0, 1.5]
    assert any("temperature of base@0 is 0, so all 3 samples" in notice for notice in manifest["notices"])


@pytest.mark.usefixtures("plain")
def test_a_document_of_which_nothing_can_be_shown_is_not_asked_and_unscored(
    data: str, home: Path, tmp_path: Path
) -> None:
    lines(
        tmp_path / "data.jsonl",
        [ROWS[0], {"id": "blank", "source": "<html><img src=x></html>", "gold": {}, "kind": "html"}],
    )
    run_evaluation(job(data, "base", latency_rows=0, noise_rows=0), tmp_path / "out", home)
    gen = read_frame(tmp_path / "out", "gen", ["doc", "finish"], {"doc": "blank"})
    assert list(gen["finish"]) == ["error"]
    assert set(read_frame(tmp_path / "out", "scores", ["status"], {"doc": "blank"})["status"]) == {"error"}
    manifest = read_manifest(tmp_path / "out")
    assert list(manifest["arms"]["base"]["not_shown"]) == ["blank"]
    assert any("nothing could be shown" in notice for notice in manifest["notices"])


@pytest.mark.usefixtures("plain")
def test_it_waits_for_a_run_in_words_and_takes_nothing_from_it(data: str, home: Path, tmp_path: Path) -> None:
    lease = Lease(home)
    assert lease.acquire("20250101-run", "run")
    phases: list[str] = []
    stopped = threading.Event()

    def told(status: EvalStatus) -> None:
        phases.append(status.phase)
        if "waiting" in status.phase:
            stopped.set()

    status = run_evaluation(job(data, "empty", "base"), tmp_path / "out", home, told, stopped.is_set)
    assert status.state == "cancelled" and any(
        phase.startswith("waiting until the run 20250101-run") for phase in phases
    )
    assert answers(tmp_path / "out").keys() == {("empty", row["id"], 0) for row in ROWS}
    lease.release()
    assert run_evaluation(job(data, "empty", "base"), tmp_path / "out", home).state == "finished"
    assert lease.holder() is None


@pytest.mark.usefixtures("plain")
def test_between_arms_it_gives_way_to_a_run(data: str, home: Path, tmp_path: Path) -> None:
    """A run that asks while the first arm answers has the machine before the second one does."""
    order: list[str] = []
    asking: list[threading.Thread] = []

    def run() -> None:
        lease = Lease(home)
        assert lease.acquire("a-run", "run", wait_s=60)
        order.append("run")
        lease.release()

    def told(status: EvalStatus) -> None:
        if status.phase == "answering" and status.arm and (not order or order[-1] != status.arm):
            order.append(status.arm)
        if status.arm == "base" and not asking:
            asking.append(threading.Thread(target=run))
            asking[0].start()
            while Lease(home).wanted() is None:
                pass

    what = job(data, "base", "adapter:llama-a", latency_rows=0, noise_rows=0, limit=1)
    assert run_evaluation(what, tmp_path / "out", home, told).state == "finished"
    asking[0].join(60)
    assert order[0] == "base" and order.index("run") < order.index("adapter:llama-a")


@pytest.mark.usefixtures("plain")
def test_an_endpoint_is_asked_and_its_failures_are_asked_again(data: str, home: Path, tmp_path: Path) -> None:
    """A real server on this machine: its own fault is unscored and asked again, its answers are kept and paid for."""
    broken = True

    def say(_number: int, body: dict[str, Any]) -> Say:
        asked = body["messages"][-1]["content"]
        if "lake" in asked:
            return fault(400) if broken else completion("{}")
        return completion(json.dumps(ROWS[0]["gold"]))

    with Teacher(say).running() as server:
        what = job(data, "endpoint:big", endpoint=server.url)
        run_evaluation(what, tmp_path / "out", home)
        gen = read_frame(tmp_path / "out", "gen", ["doc", "finish"])
        assert dict(zip(gen["doc"], gen["finish"], strict=True)) == {"a": "eos", "b": "eos", "c": "eos", "d": "error"}
        assert any("failed on the machine" in notice for notice in read_manifest(tmp_path / "out")["notices"])
        asked, broken = len(server.calls), False
        run_evaluation(what, tmp_path / "out", home)
        assert len(server.calls) == asked + 1
    arm = read_manifest(tmp_path / "out")["arms"]["endpoint:big"]
    assert (arm["errors"], arm["answers"], len(arm["prompts_sha256"])) == (0, 4, 64)
    assert arm["cost"]["calls"] == asked + 1 and arm["cost"]["money"] is None


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"arms": ()}, "Nobody would answer"),
        ({"arms": ("empty", "empty")}, "'empty' is named twice"),
        ({"arms": ("nobody",)}, "no arm 'nobody'"),
        ({"arms": ("imported:x",)}, "The predictions hold no arm 'x'"),
        ({"arms": ("empty",), "samples": 0}, "0 samples"),
        ({"arms": ("endpoint:big",)}, "has no address"),
        (
            {"task": "recipe-writer", "data": "recipe-writer-small", "arms": ("constrained",)},
            "the answers of recipe-writer are text",
        ),
        ({"arms": ("base",), "base": "nope"}, "There is no base 'nope'"),
        ({"arms": ("adapter:nope",)}, "There is no adapter 'nope'"),
        ({"task": "nope"}, "There is no task 'nope'"),
    ],
)
def test_what_can_not_be_done_is_refused_before_a_model_is_loaded(
    data: str, home: Path, tmp_path: Path, more: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eval_arms, "open_arms", lambda *_a, **_k: pytest.fail("a model was loaded"))
    with pytest.raises((InputError, DataError, ModelError, StudioError)) as err:
        run_evaluation(replace(job(data), **more), tmp_path / "out", home)
    assert words in str(err.value) and err.value.fix
    assert read_status(tmp_path / "out").state == "failed"


@pytest.mark.usefixtures("plain")
def test_predictions_must_fit_documents_samples_and_names(data: str, tmp_path: Path) -> None:
    for line, words in (
        ({"id": "zz", "output": ""}, "'zz' of arm 'p' is no document"),
        ({"id": "a", "output": "", "k": 1}, "1 were asked for"),
        ({"id": "a", "output": "", "arm": "empty"}, "has the name of an arm that is asked here"),
    ):
        predictions = str(lines(tmp_path / "p.jsonl", [line]))
        with pytest.raises(StudioError, match=words):
            run_evaluation(job(data, "empty", predictions=predictions), tmp_path / words[:4], tmp_path)
    predictions = str(lines(tmp_path / "p.jsonl", [right(ROWS[3])]))
    done = run_evaluation(job(data, predictions=predictions, limit=2), tmp_path / "out", tmp_path)
    assert done.state == "finished", "a prediction of a document behind the limit is no fault"
    assert read_manifest(tmp_path / "out")["arms"]["imported:p"]["missing"] == 2


@pytest.mark.usefixtures("plain")
def test_a_folder_of_another_evaluation_is_left_alone(data: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run_evaluation(job(data, "empty"), folder, tmp_path)
    for more, words in (({"limit": 2}, "its limit is 0"), ({"data": "other.jsonl"}, "an evaluation on")):
        with pytest.raises(InputError, match=words):
            run_evaluation(replace(job(data, "empty"), **more), folder, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="not empty and holds no evaluation"):
        run_evaluation(job(data, "empty"), tmp_path / "mine", tmp_path)
    write_job(tmp_path / "new", job(data, "empty"))
    assert run_evaluation(job(data, "empty"), tmp_path / "new", tmp_path).state == "finished"


def test_passes_take_documents_from_everywhere() -> None:
    ids = [str(at) for at in range(100)]
    assert spread(ids, 4) == ["0", "25", "50", "75"] and spread(ids[:3], 9) == ids[:3]
    assert (
        len(latency_docs_of(ids, EvalJob("t", "d"))) == 20
        and latency_docs_of(ids, EvalJob("t", "d", latency_rows=0)) == []
    )
    assert now() <= now()
