"""The Data tab as a person uses it: first rows, a build that a refresh does not lose, a version to read, any width."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.browser.acts import compare, message, tab, unfold
from tests.browser.conftest import Studio
from tests.browser.test_look import serious, sideways
from tests.data.judge.scripts import fair
from tests.data.teacher.server import Say, Teacher, good
from tests.studio.dataset_samples import make_version, recipe_row
from training.data.sources.offline import offline_rows
from training.data.versions import list_versions, rows_of

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
VIEWS = ("What passed", "Refused", "Duplicates", "Rows", "Leaks", "Changes", "Card and export")
CHARTS = {"What passed": ("funnel", "prompts", "answers"), "Leaks": ("nearest",)}
SECRETS = {"OUR_TEACHER": "sk-secret-of-our-teacher", "HF_TOKEN": "hf_secretOfOurHub"}


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One studio for this module, with a version that leaks and a key for a teacher in its environment."""
    running = Studio(tmp_path_factory.mktemp("data") / "home", env=SECRETS)
    make_version(running.home / "datasets", leak=True)
    running.start()
    yield running
    running.stop()


def open_data(page: Any) -> None:
    tab(page, "Data")
    page.locator("#tt-data-version").wait_for()


def read_soups(page: Any) -> None:
    """Open the version that leaks, whatever other tests built since."""
    open_data(page)
    page.locator("#tt-data-head strong").wait_for()
    page.locator("#tt-data-version input").click()
    page.get_by_role("option", name="soups-").click()
    page.locator("#tt-data-head", has_text="train 6").wait_for()


def fill(page: Any, part: str, text: str) -> None:
    page.locator(f"#tt-data-{part} :is(input, textarea)").first.fill(text)


def new_dataset(page: Any, name: str) -> None:
    """The form with its advanced part open and that name in it."""
    open_data(page)
    unfold(page, "#tt-data-advanced")
    fill(page, "name", name)


def choose(page: Any, part: str, label: str) -> None:
    page.locator(f"#tt-data-{part} input").click()
    page.get_by_role("option", name=label).click()


def built(page: Any, name: str) -> None:
    page.locator("#tt-data-progress", has_text=f"{name} is built").wait_for()
    dismiss(page)


def dismiss(page: Any) -> None:
    page.locator("#tt-data-dismiss").click()
    page.wait_for_function("document.querySelector('#tt-data-progress').innerText.trim() === ''")


def test_a_dataset_is_previewed_built_found_again_and_read(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    open_data(page)
    page.locator("#tt-data-head", has_text="ships with the studio").wait_for()  # there is something to read at once
    page.locator("#tt-data-name input, #tt-data-name textarea").first.fill("soups")
    page.locator("#tt-data-rows input").fill("60")
    unfold(page, "#tt-data-held")
    fill(page, "quota-style", "90")
    choose(page, "protect", "evaluation Real recipes as posts")
    page.keyboard.press("Escape")
    page.locator("#tt-data-look").click()
    page.locator("#tt-data-rows10 details").nth(9).wait_for()
    page.locator("#tt-data-make").click()
    page.locator("#tt-data-progress .tt-progress").wait_for()
    page.reload()  # the build is a process of its own
    open_data(page)
    page.locator("#tt-data-progress", has_text="is built").wait_for()
    page.locator("#tt-data-head", has_text="built").wait_for()
    tab(page, "What passed")
    page.locator("#tt-data-funnel .barlayer .point").first.wait_for()
    tab(page, "Rows")
    page.locator("#tt-data-found details summary").first.click()
    page.locator("#tt-data-found details[open] .tt-text").first.wait_for()
    dismiss(page)
    made = next(
        version for version in list_versions(own_studio.home / "datasets")[0] if version.name.startswith("soups-")
    )
    assert made.spec.gates == {"quotas": {"style": 0.9}} and made.spec.protect == ("rows.jsonl",)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_in_any_view(own_studio: Studio, open_page: Open, dark: bool) -> None:
    make_version(own_studio.home / "datasets", leak=True)
    page = open_page(own_studio.url, dark=dark)
    open_data(page)
    page.locator("#tt-data-head", has_text="train 6").wait_for()
    page.wait_for_function("!document.querySelector('#tt-tab-data .pending, #tt-tab-data .generating')")
    for part in ("shares", "advanced", "candidates"):
        unfold(page, f"#tt-data-{part}")
    page.locator("#tt-data-yaml .cm-line").first.wait_for()
    assert serious(page, dark) == []
    for label in VIEWS:
        tab(page, label)
        for chart in CHARTS.get(label, ()):
            page.locator(f"#tt-data-{chart} .point").first.wait_for()
        assert serious(page, dark) == [], label


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)])
def test_no_view_makes_the_page_scroll_sideways(own_studio: Studio, open_page: Open, width: int, height: int) -> None:
    make_version(own_studio.home / "datasets", leak=True)
    page = open_page(own_studio.url, width, height)
    open_data(page)
    page.locator("#tt-data-head", has_text="train 6").wait_for()
    assert sideways(page) <= 0
    for label in VIEWS:
        tab(page, label)
        assert sideways(page) <= 0, label


def test_what_compare_showed_waits_for_evaluation(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    compare(page)
    tab(page, "Receipt")
    page.locator("#tt-send").click()
    page.locator("#tt-sent", has_text="for evaluation, never for training").wait_for()
    assert (own_studio.home / "datasets" / "candidates.jsonl").is_file()


def test_a_right_answer_that_no_column_has_is_written_and_sent(own_studio: Studio, open_page: Open) -> None:
    page = open_page(own_studio.url)
    compare(page)
    tab(page, "Receipt")
    unfold(page, "#tt-correct-box")
    page.locator("#tt-own textarea").fill('{"name": 7}')
    page.locator("#tt-send-own").click()
    assert "can't be kept" in message(page)
    page.locator("#tt-own textarea").fill("{}")
    page.locator("#tt-send-own").click()
    page.locator("#tt-sent", has_text="for evaluation, never for training").wait_for()


def test_a_refused_row_is_mended_built_in_and_compared(own_studio: Studio, open_page: Open) -> None:
    """From a refused row to the next version: mend, keep, spec, accept, build, changes, tokens, a file."""
    before, good = make_version(own_studio.home / "datasets", train=26), recipe_row(7)
    page = open_page(own_studio.url)
    open_data(page)
    page.locator("#tt-data-head", has_text="train 26").wait_for()
    tab(page, "Refused")
    unfold(page, "#tt-data-mend")
    choose(page, "mend-row", "Fish pie 7")
    page.wait_for_function("document.querySelector('#tt-data-mend-text textarea').value.includes('Short.')")
    fill(page, "mend-text", good.source)
    fill(page, "mend-answer", json.dumps({key: good.gold[key] for key in good.gold if key != "recipeCuisine"}))
    page.locator("#tt-data-check").click()
    page.locator("#tt-data-mended", has_text="passes every gate").wait_for()
    page.locator("#tt-data-give-back").click()
    page.locator("#tt-data-mended", has_text="Kept as a row").wait_for()
    tab(page, "Card and export")
    with page.expect_download() as waiting:
        page.locator("#tt-data-save").click()
    assert waiting.value.suggested_filename == f"{before.name}-chat.jsonl"
    unfold(page, "#tt-data-spec-box")
    page.locator("#tt-data-use-spec").click()
    page.locator("#tt-data-said", has_text=f"spec of {before.name}").wait_for()
    unfold(page, "#tt-data-advanced")
    unfold(page, "#tt-data-candidates")
    page.locator("#tt-data-waiting label", has_text="Fish pie 7").locator("input").check()
    fill(page, "accept-licence", "CC0-1.0")
    page.locator("#tt-data-accept").click()
    page.wait_for_function("document.querySelector('#tt-data-yaml').textContent.includes('candidates-')")
    page.locator("#tt-data-make").click()
    built(page, "soups")
    page.locator("#tt-data-head", has_text="built").wait_for()
    tab(page, "Changes")
    choose(page, "other", before.name)
    page.locator("#tt-data-changes", has_text=f"From {before.name} to soups-").wait_for()
    tab(page, "Rows")
    unfold(page, "#tt-data-tokens-box")
    page.locator("#tt-data-show").click()
    page.locator("#tt-data-tokens .tt-tokens .tt-learned").first.wait_for()
    made = next(v for v in list_versions(own_studio.home / "datasets")[0] if v.name != before.name)
    assert [row.group for part in made.rows for row in rows_of(made, part) if row.source == good.source] == [good.group]


def test_a_build_is_cancelled_and_leaves_no_version(kitchen: Studio, open_page: Open) -> None:
    page = open_page(kitchen.url)
    new_dataset(page, "endless")
    fill(page, "rows", "500000")
    page.locator("#tt-data-make").click()  # at once: the form counts before its YAML is written
    page.locator("#tt-data-progress", has_text="of 500,000 rows").wait_for()
    page.locator("#tt-data-stop").click()
    page.locator("#tt-data-progress", has_text="was cancelled").wait_for()
    page.locator("#tt-data-stop").wait_for(state="hidden")
    dismiss(page)
    assert list((kitchen.home / "datasets").glob("endless-*")) == []


def hub_folder(folder: Path, rows: int) -> Path:
    """A dataset as the Hub lays it out: a card, and its split as Parquet under data/."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    kept = ("title", "ingredients", "steps")
    recipes = [{key: row.fields[key] for key in kept} for row in islice(offline_rows("grammar", 11, "grammar"), rows)]
    (folder / "data").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Recipes\n", "utf-8")
    renamed = [{"name": r["title"], "ingredients": r["ingredients"], "directions": r["steps"]} for r in recipes]
    parquet.write_table(pa.Table.from_pylist(renamed), folder / "data" / "train-00000-of-00001.parquet")
    return folder


def test_a_hub_dataset_is_out_of_reach_or_read_by_its_columns(kitchen: Studio, open_page: Open, tmp_path: Path) -> None:
    folder = hub_folder(tmp_path / "recipes", 60)
    page = open_page(kitchen.url)
    new_dataset(page, "fetched")
    choose(page, "kind", "A Hugging Face dataset")
    fill(page, "hub", "owner/recipes")
    fill(page, "subset", "all")
    fill(page, "slice", "5:45")
    fill(page, "rows", "0")
    fill(page, "licence", "CC0-1.0")
    page.locator("#tt-data-look").click()
    assert "can't be reached" in message(page)
    page.locator(".toast-close").first.click()
    fill(page, "subset", "")
    fill(page, "hub", str(folder))
    page.locator("#tt-data-look").click()
    page.locator("#tt-data-rows10", has_text="confirm").wait_for()  # columns are proposed, never guessed in silence
    page.locator("#tt-data-confirmed input").check()
    page.locator("#tt-data-make").click()
    page.locator("#tt-data-progress", has_text="fetched is built").wait_for()
    page.locator("#tt-data-head", has_text="built").wait_for()
    made = next((kitchen.home / "datasets").glob("fetched-*"))
    places = {line for part in ("train", "dev", "test") for line in (made / f"{part}.jsonl").read_text().splitlines()}
    assert places and all('"origin":"recipes"' in line.replace(": ", ":") for line in places)
    assert str(tmp_path) not in (made / "spec.yaml").read_text()
    built(page, "fetched")


def writes_or_judges(number: int, body: dict[str, Any]) -> Say:
    return good(number, body) if body["model"] == "large" else fair(number, body)


def test_teacher_and_judge_are_paid_after_their_cost_was_agreed_to_and_once(kitchen: Studio, open_page: Open) -> None:
    page = open_page(kitchen.url)
    new_dataset(page, "taught")
    page.locator("#tt-data-writer").get_by_label("a teacher model").check()
    unfold(page, "#tt-data-judge-box")
    page.locator("#tt-data-judged input").check()
    with Teacher(writes_or_judges).running() as teacher:
        fill(page, "judge-url", teacher.url)
        fill(page, "judge-model", "critic")
        for part, value in (("price-in", "1"), ("price-out", "2"), ("cap", "5")):
            fill(page, f"judge-{part}", value)
        fill(page, "teacher-url", teacher.url)
        fill(page, "teacher-model", "large")
        fill(page, "teacher-key", "NOT_THERE")
        for part, value in (("price-in", "1"), ("price-out", "2"), ("cap", "5")):
            fill(page, f"teacher-{part}", value)
        for style in ("social", "fluffy", "scraped", "rambling"):
            page.locator("#tt-data-teacher-styles").get_by_label(style).uncheck()
        page.locator("#tt-data-teacher-slices", has_text="no_ingredients").wait_for()
        fill(page, "rows", "20")
        page.locator("#tt-data-make").click()
        page.locator("#tt-data-cost", has_text="NOT_THERE is not set").wait_for()
        page.locator("#tt-data-agree[disabled]").wait_for()
        fill(page, "teacher-key", "OUR_TEACHER")
        page.locator("#tt-data-cost .tt-data").wait_for(state="detached")  # an offer does not outlive a change
        page.locator("#tt-data-make").click()
        page.locator("#tt-data-cost", has_text="Nothing is paid yet").wait_for()
        page.locator("#tt-data-cost", has_text="asked for 20 verdicts").wait_for()
        assert teacher.calls == [] and "at most" in page.locator("#tt-data-agree").inner_text()
        page.locator("#tt-data-agree").click()
        page.locator("#tt-data-progress", has_text="The judge so far, in all builds of this name").wait_for()
        built(page, "taught")
        keys = Counter(
            (call["model"], h.get("authorization")) for call, h in zip(teacher.calls, teacher.headers, strict=True)
        )
        assert keys["large", f"Bearer {SECRETS['OUR_TEACHER']}"] == 20 and 0 < keys["critic", None] <= 20
        assert len(keys) == 2, "the teacher's key goes to the teacher alone"
        page.locator("#tt-data-make").click()
        page.locator("#tt-data-cost", has_text="building costs nothing").wait_for()
    made = next((kitchen.home / "datasets").glob("taught-*"))
    rows = [json.loads(line) for part in ("train", "dev") for line in (made / f"{part}.jsonl").read_text().splitlines()]
    assert {"plain"} < {row["slice"] for row in rows}, "slices are drawn by the shares that stood in the form"
    told = page.content() + "".join(
        path.read_text("utf-8", "replace") for path in kitchen.home.rglob("*") if path.is_file()
    )
    assert SECRETS["OUR_TEACHER"] not in told and "OUR_TEACHER" in told


def test_a_push_that_can_not_be_says_why_and_shows_no_token(kitchen: Studio, open_page: Open) -> None:
    page = open_page(kitchen.url)
    read_soups(page)
    tab(page, "Card and export")
    unfold(page, "#tt-data-push-box")
    assert page.locator("#tt-data-push-private input").is_checked()
    page.locator("#tt-data-push").click()
    assert "owner/name" in message(page)
    page.locator(".toast-close").first.click()
    fill(page, "push-repo", "ann/soups")
    page.locator("#tt-data-push").click()
    page.locator(".toast-body", has_text="switched off here").wait_for()
    assert SECRETS["HF_TOKEN"] not in page.content()


def test_an_encoding_that_was_guessed_is_shown_and_can_be_corrected(
    kitchen: Studio, open_page: Open, tmp_path: Path
) -> None:
    file = tmp_path / "rezepte.csv"
    file.write_bytes(
        'name,ingredients,directions\nKäsespätzle,"250 g Mehl|3 Eier","Rühren.|Käse darüber."\n'.encode("cp1252")
    )
    page = open_page(kitchen.url)
    new_dataset(page, "rezepte")
    choose(page, "kind", "A file")
    fill(page, "file", str(file))
    page.locator("#tt-data-look").click()
    field = page.locator("#tt-data-encoding").locator("input, textarea")
    field.wait_for()
    assert field.input_value() == "cp1252"
    page.locator("#tt-data-rows10", has_text="Käsespätzle").wait_for()
    field.fill("cp850")
    page.locator("#tt-data-look").click()
    page.locator("#tt-data-rows10", has_text="cp850 (as you wrote)").wait_for()
    page.locator("#tt-data-rows10", has_text="Kõse").wait_for()
