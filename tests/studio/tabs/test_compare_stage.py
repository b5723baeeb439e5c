"""What the tab shows at each moment of a run, as HTML; no browser, no server."""

from pathlib import Path

import pytest

from studio.actions.compare import Progress
from studio.deps import Deps
from studio.guard import Visit
from studio.queries.kept import kept
from studio.tabs import compare_stage as stage
from studio.tabs.compare_export import export
from studio.tabs.compare_view import LISTED, SAME, CompareView, comparison_view, failed_view, frame_view, recent_html
from tests.fakes import ADAPTER, ARMS, PROSE, make_comparison, make_deps
from training.compare import Partial
from training.errors import InputError, ModelError
from training.shelf import Ballot
from training.task.records import Arm, ArmKind

PAGE = Visit("page", {})


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    deps = make_deps(tmp_path)
    deps.shelf("page").add_comparison(make_comparison("c1"))
    return deps


def frame(**changes: object) -> Progress:
    given = {"arms": ARMS, "order": (0, 1), "blind": False, "partials": (None, None), "results": (None, None)}
    return Progress(**{**given, **changes})  # pyright: ignore[reportArgumentType]


def texts(view: CompareView) -> list[str]:
    """The columns that are shown."""
    slots = [view.slot_0, view.slot_1, view.slot_2, view.slot_3]
    return [slot["value"] for slot in slots if slot["visible"]]


def test_waiting_loading_and_writing_are_told_apart(deps: Deps) -> None:
    pack = deps.packs["recipe-jsonld"]
    assert "2 runs before yours" in stage.running_stage(frame(ahead=2), pack)[0]
    assert "loading crumb, 40%" in stage.running_stage(frame(loading=("loading crumb", 0.4)), pack)[0]
    partials = (Partial(0, PROSE, 19, 0.2), Partial(1, '{"', 2, 1.5))
    done, writing = stage.running_stage(frame(partials=partials), pack)
    assert "written: 19 tokens" in done and "writing: 2 tokens" in writing


def test_columns_stand_in_the_shuffled_order_and_tell_no_names(deps: Deps) -> None:
    partials = (Partial(0, "prose", 1, 0.1), Partial(1, "recipe", 1, 0.1))
    cells = stage.running_stage(frame(order=(1, 0), blind=True, partials=partials), deps.packs["recipe-jsonld"])
    assert "recipe" in cells[0] and "prose" in cells[1]
    assert not any(ADAPTER in cell or "base" in cell for cell in cells)


def test_a_run_that_breaks_leaves_its_reason_in_every_column_and_no_spinner() -> None:
    view = failed_view(frame(), ModelError("The file <b> is cut short.", fix="Copy it again."))
    assert len(texts(view)) == 2
    for cell in texts(view):
        assert "The file &lt;b&gt; is cut short." in cell and "Copy it again." in cell and "tt-spin" not in cell
    assert view.run["interactive"] and not view.cancel["interactive"]
    assert view.comparison_id is SAME


def test_a_refusal_before_the_run_leaves_what_is_shown() -> None:
    view = failed_view(None, InputError("The text is empty.", fix="Paste one."))
    assert all(slot is SAME for slot in (view.slot_0, view.slot_1, view.verdict, view.differences))


def test_a_bug_is_called_a_bug() -> None:
    assert "bug of the studio" in texts(failed_view(frame(), ZeroDivisionError()))[0]


def test_a_finished_comparison_fills_every_part(deps: Deps) -> None:
    view = comparison_view(deps, PAGE, "c1")
    assert all(value is not SAME for value in view)
    assert len(texts(view)) == 2 and "Lentil Soup" in texts(view)[1]
    assert "same prompt, seed 7" in view.fairness
    assert "Lentil Soup" in view.differences and "not JSON" in view.verdict
    assert view.exports["visible"] and not view.votes["visible"]


def test_an_open_vote_tells_nothing_anywhere(deps: Deps) -> None:
    deps.shelf("page").add_ballot(Ballot("c1", (ADAPTER, "base"), seed=1))
    view = comparison_view(deps, PAGE, "c1")
    shown = " ".join([*texts(view), view.verdict, view.fairness, view.differences, view.marks, view.receipt])
    assert ADAPTER not in shown and "the base model" not in shown and "strict" not in shown
    assert view.votes["visible"] and not view.exports["visible"] and not view.save_page["visible"]
    with pytest.raises(InputError, match="still hidden"):
        export(deps, "page", "c1", "json")


def test_the_last_frame_is_the_kept_comparison(deps: Deps) -> None:
    view = frame_view(deps, PAGE, frame(comparison=make_comparison("c1")), deps.packs["recipe-jsonld"])
    assert view == comparison_view(deps, PAGE, "c1")


def test_a_sweep_says_what_was_swept(deps: Deps) -> None:
    arms = tuple(Arm(ArmKind.ADAPTER, f"T {t:g}", ADAPTER, t) for t in (0.3, 1.5))
    deps.shelf("page").add_comparison(make_comparison("sweep", arms=arms))
    words = stage.verdict_html(kept(deps, "page", "sweep"))
    assert ADAPTER in words and "0.3, 1.5" in words


def test_one_column_differs_from_nothing(deps: Deps) -> None:
    deps.shelf("page").add_comparison(make_comparison("one", arms=ARMS[:1]))
    shown = kept(deps, "page", "one")
    assert "tick a second one" in stage.diff_html(shown, deps.packs["recipe-jsonld"])
    assert "not here any more" in stage.diff_html(shown, None)


def test_the_reference_that_gave_no_object_says_so_as_others_do(deps: Deps) -> None:
    words = stage.diff_html(kept(deps, "page", "c1"), deps.packs["recipe-jsonld"])
    assert "no object" in words and "–" not in words


def test_a_list_that_is_cut_says_how_much_there_is(deps: Deps) -> None:
    assert "Search above" not in recent_html(deps, PAGE, "", "")
    for number in range(LISTED):
        deps.shelf("page").add_comparison(make_comparison(f"n{number}"))
    assert "The newest 50 of 51. Search above finds the others." in recent_html(deps, PAGE, "", "")
    assert "Search above" not in recent_html(deps, PAGE, "nothing like it", "")


@pytest.mark.parametrize(("kind", "suffix"), [("json", ".json"), ("receipt", "-receipt.json"), ("page", ".html")])
def test_exports_name_themselves(deps: Deps, kind: str, suffix: str) -> None:
    file = export(deps, "page", "c1", kind)
    assert file["name"] == f"taste-test-c1{suffix}" and file["text"]


def test_nothing_can_be_saved_before_a_run(deps: Deps) -> None:
    with pytest.raises(InputError, match="no comparison to save"):
        export(deps, "page", "", "json")
