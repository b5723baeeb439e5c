"""Runs in words and charts, on plain records: what is said is true of the numbers, and no stranger's text acts."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from math import dist
from typing import Any

import pytest

from studio.views import run_form, run_plots, run_samples, run_scores, runs
from studio.views.markup import Html
from studio.views.run_plots import COLOURS, Curve
from tests.studio.run_samples import figure, steps
from tests.studio.views.test_contrast import DEUTERANOPE, PROTANOPE, SHAPE, TOKENS, contrast
from training.runs.advice import KINDS
from training.runs.records import Advice, Check, Estimate, Preflight, RunFacts, RunStatus, Sample
from training.task.records import to_json

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NASTY = "<img src=x onerror=alert(1)> ${1+1} {{value}} \x1b[31m"


def status(state: str = "running", **changes: Any) -> dict[str, Any]:
    given = {"step": 31, "steps": 50, "seconds": 62.0, "created": "2026-11-21T11:58:00+00:00", **changes}
    return to_json(RunStatus("recipe-jsonld-r64-s50-3fa92c", state, **given))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "1 s"), (7, "7 s"), (38, "40 s"), (58, "1 min"), (125, "2 min"), (4800, "1 h 20 min"), (90_000, "25 h")],
)
def test_what_is_left_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert runs.span_words(seconds) == words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "running"}, "running, step 31 of 50, about 40 s left"),
        ({"state": "running", "step": 0, "phase": "loading"}, "running, step 0 of 50, loading"),
        ({"state": "running", "step": 50, "phase": "evaluating"}, "running, step 50 of 50, evaluating"),
        ({"state": "running", "step": 0, "steps": 0, "phase": "starting"}, "running, starting"),
        ({"state": "failed"}, "failed at step 31 of 50"),
        ({"state": "finished"}, "finished"),
        ({"state": "queued"}, "queued"),
    ],
)
def test_a_state_in_a_few_words(changes: dict[str, Any], words: str) -> None:
    assert runs.short_state(status(**changes)) == words


@pytest.mark.parametrize(
    "state", ["queued", "starting", "running", "stopping", "stopped", "finished", "failed", "lost"]
)
def test_every_state_has_its_sentence(state: str) -> None:
    words = runs.state_words(status(state))
    assert words.endswith(".") and words[0].isupper()
    assert "2 in the queue" in runs.state_words(status("queued"), 2)


def test_the_status_bar_says_what_runs_and_what_waits() -> None:
    words = "1 running (recipe-jsonld-r64-s50: step 31 of 50, about 40 s left), 2 queued"
    assert runs.queue_words(status(), 2) == words
    assert runs.queue_words(None, 0) == "" and runs.queue_words(None, 2) == "2 queued"
    assert runs.queue_words(status("starting"), 0) == "1 running (recipe-jsonld-r64-s50: starting)"


def test_a_progress_bar_tells_its_numbers_to_everyone() -> None:
    bar = runs.progress_bar(status())
    assert (
        bar is not None and 'aria-valuenow="31"' in bar and 'aria-valuemax="50"' in bar and 'role="progressbar"' in bar
    )
    assert runs.progress_bar(status(steps=0)) is None


def strange(kind: str) -> Html:
    """Every view that shows a stranger's text, with such a text in it."""
    bad = status("failed", error=NASTY, fix=NASTY, kind="data") | {"run": NASTY}
    config = {"method": NASTY, "base": NASTY, "dataset": NASTY}
    facts: dict[str, Any] = to_json(RunFacts("r", None, "", NASTY, "", "", "")) | {"config": config, "device": NASTY}  # pyright: ignore[reportArgumentType]
    sample = to_json(Sample(10, NASTY, NASTY, NASTY, "failed", "length", 1.0))
    check = to_json(Preflight((Check(NASTY, "stop", NASTY, NASTY),), Estimate(1, 1, 1, 1, 1, 1, 1, device=NASTY)))
    side = {"status": bad, "figures": {f"f1:{NASTY}": figure(0.5)}, "loss": 1.0, "dev_loss": None}
    made = {
        "head": lambda: runs.run_head(bad, facts, NOW),
        "failure": lambda: runs.failure_card(bad, [to_json(Advice(NASTY, {"rank": NASTY}))]),
        "queue": lambda: runs.queue_html(status() | {"run": NASTY, "phase": NASTY}, [NASTY]),
        "log": lambda: runs.log_html([NASTY, "</pre>"]),
        "notices": lambda: runs.notices_html([NASTY]),
        "samples": lambda: run_samples.samples_html([sample]),
        "problems": lambda: run_form.problems_html([{"field": NASTY, "reason": NASTY, "fix": NASTY}]),
        "preflight": lambda: run_form.preflight_html(check),
        "preset": lambda: run_form.preset_html({"when": NASTY}),
        "scores": lambda: run_scores.scores_html({f"f1:{NASTY}": figure(0.5)}, {}, f"f1:{NASTY}"),
        "beside": lambda: run_scores.beside_html(side, side, [("name", NASTY, NASTY)]),
    }
    return made[kind]()


@pytest.mark.parametrize(
    "kind",
    ["head", "failure", "queue", "log", "notices", "samples", "problems", "preflight", "preset", "scores", "beside"],
)
def test_text_of_others_is_inert_everywhere(kind: str) -> None:
    shown = strange(kind)
    assert "&lt;img" in shown and "<img" not in shown and "${" not in shown and "{{" not in shown
    assert "\x1b" not in shown and shown.count("</pre>") == shown.count("<pre")


def test_a_failure_is_typed_and_a_hand_s_end_is_none() -> None:
    card = runs.failure_card(status("failed", error="CUDA out of memory", kind="out_of_memory"), [])
    assert "Not enough memory" in card and "tt-note-bad" in card
    card = runs.failure_card(status("stopped", error="Ended by hand at step 3 of 50.", fix="Resume."), [])
    assert "tt-note-bad" not in card and "Resume." in card
    assert runs.failure_card(status("finished"), []) == ""


def test_every_type_of_failure_has_a_title() -> None:
    assert set(runs.KINDS) == set(KINDS)


def test_the_checks_stand_worst_first_with_what_the_run_takes() -> None:
    checks = (
        Check("rows", "ok", "All fit."),
        Check("disk", "stop", "Full.", "Free some."),
        Check("base", "warn", "Old."),
    )
    estimate = Estimate(400, 50, 1600.0, 80_000.0, 110.0, 900_000_000, 3, 100, 1000, "cpu")
    shown = run_form.preflight_html(to_json(Preflight(checks, estimate)))
    assert "about 2 min of training<" in shown, "nothing comes on top"
    watched = replace(estimate, on_top=("the dev loss every 20 steps", "the answers to 50 dev rows"))
    told = run_form.estimate_html(to_json(watched))
    assert "about 2 min of training, and on top the dev loss every 20 steps; the answers to 50 dev rows<" in told
    assert "about 2 min of training<" in shown, "nothing comes on top"
    watched = replace(estimate, on_top=("the dev loss every 20 steps", "the answers to 50 dev rows"))
    told = run_form.estimate_html(to_json(watched))
    assert "about 2 min of training, and on top the dev loss every 20 steps; the answers to 50 dev rows<" in told
    assert "can&#x27;t start" in shown and shown.index("Full.") < shown.index("Old.") < shown.index("All fit.")
    assert (
        "50 over 400 rows" in shown and "about 2 min" in shown and "900 MB" in shown and "3 real steps on cpu" in shown
    )
    shown = run_form.preflight_html(to_json(Preflight(checks[:1], Estimate(1, 1, 1, 1, None, None, 0))))
    assert "This run can start" in shown and shown.count("not measured") == 2


def test_the_loss_is_read_as_it_is() -> None:
    found = [to_json(step) for step in steps(50)]
    assert run_scores.loss_words(found).startswith("Loss fell from 1.52 to 0.286 over 50 steps; dev loss was lowest")
    flat = [{**step, "loss": 2.0, "dev_loss": None} for step in found]
    assert "does not learn" in run_scores.loss_words(flat)
    heart = [*found, {**found[-1], "step": 60, "dev_loss": 3.0}]
    assert "learns by heart" in run_scores.loss_words(heart)
    assert run_scores.loss_words([]) == ""


def test_samples_tell_when_the_model_began_to_answer_in_form() -> None:
    def sample(at: int, tier: str, row: str = "a") -> dict[str, Any]:
        return to_json(Sample(at, row, "A soup.", "{}", tier, "eos", 1.0))

    words = run_samples.samples_words([sample(10, "failed"), sample(20, "strict"), sample(20, "failed", "b")])
    assert words == "The first strict answer came at step 20; at step 20 1 of 2 are strict."
    assert "None of 1 answers" in run_samples.samples_words([sample(10, "repaired")])
    shown = run_samples.samples_html([sample(10, "failed"), sample(20, "strict")])
    assert shown.index("step 20") < shown.index("step 10") and shown.count("<details open") == 0
    assert shown.count(" open>") == 1  # the latest answer of the post


def test_scores_stand_with_their_intervals_and_their_n() -> None:
    shown = run_scores.scores_html({"strict": figure(0.9)}, {"strict": figure(0.1)}, "strict")
    assert "written without a schema" in shown, "Compare shows other figures for the same adapter"
    assert "0.90 (0.85 to 0.95)" in shown and "20 of 20" in shown and "do not overlap" in shown
    close = run_scores.scores_words({"strict": figure(0.5)}, {"strict": figure(0.45)}, "strict")
    assert "may be chance" in close


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        ("queued", "", "When the run ends"),
        ("running", "", "When the run ends"),
        (
            "finished",
            "It is trained, but could not be evaluated: the disk is full.",
            "could not be evaluated: the disk",
        ),
        ("finished", "", "ended before its adapter"),
        ("stopped", "", "Resume it"),
        ("failed", "Memory ran out.", "Resume it"),
        ("lost", "", "Resume it"),
    ],
)
def test_without_figures_the_scores_say_what_became_of_them(state: str, error: str, words: str) -> None:
    none = run_scores.unscored_words(status(state, error=error), scored=True)
    assert words in none and ("When the run ends" in none) == (state in ("queued", "running"))
    assert none.split(":")[0] in run_scores.scores_html({}, {}, "", none)
    assert "scores no dev rows" in run_scores.unscored_words(status(state), scored=False)


def test_a_run_that_can_not_be_read_has_its_name_and_the_reason_inert() -> None:
    shown = runs.unreadable_head(NASTY, NASTY)
    assert "can&#x27;t be read" in shown and "&lt;img" in shown and "<img" not in shown


def test_a_loss_chart_names_axes_and_n_and_keeps_its_height() -> None:
    curve = Curve("one-3fa92c", [to_json(step) for step in steps(31)])
    figure_ = run_plots.loss_plot([curve], 50)
    assert figure_.layout.height == run_plots.LOSS_PX and figure_.layout.xaxis.title.text == "step (n = 31 of 50 steps)"
    assert "nats" in figure_.layout.yaxis.title.text and figure_.layout.uirevision == "one-3fa92c"
    assert [trace.name for trace in figure_.data] == ["each step", "loss, smoothed", "dev loss"]
    assert run_plots.loss_plot([Curve("r", [])]) is None and run_plots.memory_plot([Curve("r", [])]) is None
    assert run_plots.memory_plot([curve]).data[0].y[0] == pytest.approx(0.9)


def test_runs_over_each_other_are_told_apart_without_colour() -> None:
    curves = [Curve(f"run-{at}", [to_json(step) for step in steps(5)]) for at in range(6)]
    lines = run_plots.loss_plot(curves).data
    assert len({(trace.line.color, trace.line.dash) for trace in lines}) == len(lines) == 6
    assert len({trace.line.dash for trace in lines}) == 6


def test_smoothing_starts_at_the_first_value_and_keeps_a_level() -> None:
    assert run_plots.smooth([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])
    assert run_plots.smooth([4.0, 0.0])[0] == 4.0 and 0 < run_plots.smooth([4.0, 0.0])[1] < 4.0
    assert run_plots.points([{"step": 1, "loss": float("nan")}, {"step": 2, "loss": 1.0}], "loss") == ([2], [1.0])


@pytest.mark.parametrize("colour", COLOURS)
def test_a_line_is_seen_in_light_and_in_dark(colour: str) -> None:
    assert all(contrast(colour, surface) >= SHAPE for surface in TOKENS["surface"])


@pytest.mark.parametrize("eyes", [DEUTERANOPE, PROTANOPE], ids=["deuteranope", "protanope"])
def test_the_first_lines_stay_apart_for_colour_blind_eyes(eyes: Any) -> None:
    def seen(colour: str) -> tuple[float, ...]:
        parts = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
        return tuple(max(0.0, sum(w * p for w, p in zip(row, parts, strict=True))) ** (1 / 2.2) for row in eyes)

    assert all(dist(seen(a), seen(b)) > 0.1 for a, b in combinations(COLOURS[:3], 2))
