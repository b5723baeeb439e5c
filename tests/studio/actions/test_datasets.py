"""What a person chose becomes the spec that the command line builds too; what can't be used is said, never changed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import HfApi

from studio.actions import dataset_form as forms
from studio.actions import dataset_versions as acts
from studio.actions import datasets as start
from studio.actions.dataset_form import FIELDS, DataForm
from studio.deps import Deps
from studio.queries import dataset_offers as offers
from studio.queries import datasets
from tests.data.hub_server import Hub
from tests.data.judge.scripts import fair
from tests.data.teacher.server import Teacher, good
from tests.fakes import make_comparison, make_deps
from tests.studio.dataset_samples import make_version, recipe_row
from training.chat.cost import Caps, Prices
from training.data.build import build
from training.data.candidates import list_candidates
from training.data.judge.plan import JudgeSpec
from training.data.rows import UNKNOWN_LICENCE
from training.data.spec import DatasetSpec, FieldMapping, SourceSpec, spec_from, write_spec
from training.errors import DataError, InputError, StudioError

TABLE = "name,ingredients,steps\n" + "".join(
    f'Soup {n},"[""{n + 2} lentils"", ""1 onion""]","[""Chop the onion."", ""Boil all of it.""]"\n' for n in range(12)
)


@pytest.fixture
def deps(tmp_path: Path) -> Deps:
    return make_deps(tmp_path / "home")


@pytest.fixture
def space(tmp_path: Path) -> Deps:
    return make_deps(tmp_path / "home", space=True)


def form(**changes: Any) -> DataForm:
    styles, slices = offers.menu_rows("recipe-jsonld")
    return DataForm(**{"task": "recipe-jsonld", "styles": styles, "slices": slices, "rows": 20, **changes})


def taught(url: str, **changes: Any) -> DataForm:
    given: dict[str, Any] = {
        "writer": "teacher",
        "teacher_url": url,
        "teacher_model": "large",
        "teacher_styles": ["clean"],
        "rows": 12,
    }
    return form(**{**given, **changes})


@pytest.fixture
def teacher() -> Iterator[Teacher]:
    with Teacher(good).running() as running:
        yield running


@pytest.fixture
def builds_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds run at once and in this process: that they have one of their own is tested beside them."""

    def build_now(spec: DatasetSpec, home: Path) -> str:
        return [step.version for step in build(spec, home)][-1]

    monkeypatch.setattr("training.data.build_job.start_build", build_now)


def words(text: str) -> int:
    return len(text.split())


def test_the_form_takes_its_values_by_place_and_refuses_a_missing_one() -> None:
    values = [getattr(form(), name) for name in FIELDS]
    assert DataForm.of(values) == form()
    with pytest.raises(ValueError, match="shorter"):
        DataForm.of(values[:-1])


def test_the_yaml_of_the_form_reads_back_as_the_same_spec(deps: Deps) -> None:
    given = form(name="soups", personal="refuse", preset="70/15/15", seed=11, posts=2)
    text = forms.form_yaml(given, deps)
    spec = start.spec_of_text(text, deps)
    assert spec == forms.spec_of_form(given, deps) == spec_from(text, Path("x.yaml"))
    assert (spec.name, spec.seed, spec.split.preset, spec.render.posts_per_recipe) == ("soups", 11, "70/15/15", 2)
    assert spec.gates == {"personal": "refuse", "secrets": "refuse"}


def test_held_out_parts_a_split_by_date_and_the_model_reach_the_spec(deps: Deps) -> None:
    spec = forms.spec_of_form(form(golden=5, adversarial=4, by="date", base="crumb"), deps)
    assert (spec.split.golden, spec.split.adversarial, spec.split.by, spec.tokenizer) == (5, 4, "date", "crumb")
    assert start.spec_of_text(forms.form_yaml(form(golden=5, base="crumb"), deps), deps).tokenizer == "crumb"
    with pytest.raises(StudioError, match=r"Golden rows is 2\.5"):
        forms.spec_of_form(form(golden=2.5), deps)


def test_quotas_and_texts_to_keep_out_reach_the_spec(deps: Deps) -> None:
    assert forms.spec_of_form(form(), deps).gates == {}, "the usual quotas are left out"
    spec = forms.spec_of_form(form(quota_group="", quota_style="40", personal="find", protect=["a/b.jsonl", " "]), deps)
    assert spec.gates == {"quotas": {"group": None, "style": 0.4}, "personal": "find", "secrets": "find"}
    assert spec.protect == ("a/b.jsonl",)
    assert start.spec_of_text(write_spec(spec), deps).gates == spec.gates
    with pytest.raises(StudioError, match="Most of one opening is 0"):
        forms.spec_of_form(form(quota_opening="0"), deps)
    with pytest.raises(StudioError, match="Most of one slice is 'half'"):
        forms.spec_of_form(form(quota_slice="half"), deps)


def test_usual_shares_are_left_out_and_changed_ones_are_written(deps: Deps) -> None:
    assert forms.spec_of_form(form(), deps).render.slices == {}
    styles, slices = offers.menu_rows("recipe-jsonld")
    slices[0][1] = 0.9
    spec = forms.spec_of_form(form(styles=styles, slices=slices), deps)
    assert spec.render.slices["plain"] == 0.9 and spec.render.styles == {}


@pytest.mark.parametrize(
    ("changes", "words_"),
    [
        ({"name": "Big Name"}, "name is 'Big Name'"),
        ({"rows": None}, "Rows is empty"),
        ({"rows": 2.5}, "Rows is 2.5"),
        ({"rows": 0}, "rows is missing"),
        ({"seed": -1}, "Seed is -1"),
        ({"task": "nothing"}, "no task 'nothing'"),
        ({"kind": "file", "file": ""}, "path is missing"),
        ({"kind": "hub", "dataset": " "}, "dataset is missing"),
        ({"styles": [["clean", "much"]]}, "share of clean is 'much'"),
        ({"slices": [["plain", -1]]}, "plain is -1"),
        ({"preset": "50/50"}, "preset is '50/50'"),
        ({"personal": "maybe"}, "personal is 'maybe'"),
        ({"kind": "file", "file": "a.csv", "confirmed": True, "mapping": [["title", "", ""]]}, "half empty"),
    ],
)
def test_what_can_not_be_used_is_named(deps: Deps, changes: dict[str, Any], words_: str) -> None:
    with pytest.raises(StudioError, match=words_) as found:
        forms.spec_of_form(form(**changes), deps)
    assert found.value.fix


def test_columns_count_only_once_they_are_confirmed(deps: Deps) -> None:
    mapping = [["title", "name", "text"], ["", "", ""]]
    given = form(kind="file", file="soup.csv", mapping=mapping, encoding="cp1252", licence=" ")
    source = forms.spec_of_form(given, deps).sources[0]
    assert source.mapping == () and source.encoding == "" and source.licence == UNKNOWN_LICENCE
    source = forms.spec_of_form(replace(given, confirmed=True), deps).sources[0]
    assert source.mapping == (FieldMapping("title", "name", "text"),) and source.encoding == "cp1252"


def test_a_slice_of_a_hub_dataset_reaches_the_spec(deps: Deps) -> None:
    source = forms.spec_of_form(form(kind="hub", dataset="ann/soups", hub_slice=" 10:20 "), deps).sources[0]
    assert (source.dataset, source.split, source.slice, source.streaming) == ("ann/soups", "train", "10:20", True)
    with pytest.raises(StudioError, match="slice is '10-20'"):
        forms.spec_of_form(form(kind="hub", dataset="ann/soups", hub_slice="10-20"), deps)


def test_a_teacher_of_the_form_is_the_teacher_of_the_spec(deps: Deps) -> None:
    given = taught(
        "https://teacher.example/v1", teacher_key="OUR_KEY", teacher_price_in=0.5, teacher_price_out=2,
        teacher_cap=3, teacher_at_once=8, teacher_posts=2, teacher_tokens=900, seed=11,
    )  # fmt: skip
    spec = forms.spec_of_form(given, deps)
    asked = spec.teacher
    assert asked is not None and asked.styles == ("clean",) and (asked.key_env, asked.seed) == ("OUR_KEY", 11)
    assert (asked.caps.money, asked.caps.calls, asked.prices.output_per_million) == (3, 1000, 2)
    assert (asked.concurrency, asked.posts_per_row, asked.max_tokens) == (8, 2, 900)
    assert start.spec_of_text(forms.form_yaml(given, deps), deps) == spec
    every = offers.teacher_styles("recipe-jsonld", deps)
    assert len(every) == 5
    both = forms.spec_of_form(replace(given, teacher_styles=every), deps).teacher
    assert both is not None and both.styles == ()
    assert forms.spec_of_form(replace(given, writer="studio"), deps).teacher is None


def test_slices_of_a_teacher_are_offered_with_their_shares_and_written_out(deps: Deps) -> None:
    table = offers.teacher_slices("recipe-jsonld", deps)
    assert table[0] == ["plain", 0.65] and ["no_steps", 0.06] in table
    assert sum(row[1] for row in table) == pytest.approx(1)
    assert offers.teacher_slices("recipe-writer", deps) == offers.teacher_slices("no-such-task", deps) == []
    given = taught("https://teacher.example/v1", teacher_slices=table)
    asked = forms.spec_of_form(given, deps).teacher
    assert asked is not None and asked.slices == dict(table)
    assert start.spec_of_text(forms.form_yaml(given, deps), deps).teacher == asked
    for plain in ([], [["plain", 1.0]]):
        asked = forms.spec_of_form(replace(given, teacher_slices=plain), deps).teacher
        assert asked is not None and asked.slices == {}
    with pytest.raises(StudioError, match="gives nothing a share"):
        forms.spec_of_form(replace(given, teacher_slices=[["orders", 0.0]]), deps)


@pytest.mark.parametrize(
    ("changes", "words_"),
    [
        ({"teacher_url": ""}, "The teacher has no address yet"),
        ({"teacher_url": "http://teacher.example/v1", "teacher_key": "OUR_KEY"}, "unencrypted"),
        ({"teacher_model": " "}, "no model"),
        ({"teacher_calls": None}, "Nothing bounds"),
        ({"teacher_cap": 5}, "prices are unknown"),
        ({"teacher_styles": []}, "No style"),
        ({"teacher_at_once": 0}, "Calls at once is 0"),
        ({"teacher_price_in": -1}, "Price in is -1"),
        ({"teacher_price_in": "cheap"}, "Price in is .cheap."),
    ],
)
def test_a_teacher_that_can_not_be_asked_is_named(deps: Deps, changes: dict[str, Any], words_: str) -> None:
    with pytest.raises(StudioError, match=words_) as found:
        forms.spec_of_form(taught("https://teacher.example/v1", **changes), deps)
    assert found.value.fix


def test_a_key_that_was_typed_in_is_refused_and_not_repeated(deps: Deps) -> None:
    for secret in ("sk-abcdefghijklmnop", "hf_abcdefghijklmnop"):
        with pytest.raises(StudioError) as found:
            forms.spec_of_form(taught("https://teacher.example/v1", teacher_key=secret), deps)
        assert secret not in f"{found.value} {found.value.fix}"


def test_a_price_left_empty_is_not_known_and_no_zero(teacher: Teacher, deps: Deps) -> None:
    emptied = dict.fromkeys(("teacher_price_in", "teacher_price_out", "teacher_cap"), "")
    assert forms.form_yaml(taught(teacher.url, **emptied), deps) == forms.form_yaml(taught(teacher.url), deps)
    assert "0.5" in forms.form_yaml(taught(teacher.url, teacher_price_in="0.5", teacher_price_out="2"), deps)


@pytest.mark.usefixtures("builds_here")
def test_a_teacher_is_paid_only_for_what_was_shown(deps: Deps, teacher: Teacher) -> None:
    text = forms.form_yaml(taught(teacher.url, teacher_price_in=1, teacher_price_out=2, teacher_cap=1), deps)
    assert start.cost(deps, forms.form_yaml(form(rows=12), deps)) is None
    cost = start.cost(deps, text)
    assert cost is not None and cost.problem == "" and [quote.whose for quote in cost.quotes] == ["teacher"]
    assert cost.quotes[0].estimate.requests == 12 and cost.quotes[0].spending.calls == 0
    with pytest.raises(DataError, match="has not been shown"):
        start.start(deps, text)
    other = forms.form_yaml(taught(teacher.url, rows=13), deps)
    with pytest.raises(DataError, match="has not been shown"):
        start.start(deps, other, cost.offer)
    assert teacher.calls == []
    assert start.start(deps, text, cost.offer).startswith("my-dataset-")
    assert len(teacher.calls) == 12
    again = start.cost(deps, text)
    assert again is not None and again.quotes[0].spending.money
    assert again.quotes[0].estimate.known == 12 and again.quotes[0].spending.calls == 12


@pytest.mark.usefixtures("builds_here")
def test_a_cap_stops_the_build_and_says_so(deps: Deps, teacher: Teacher) -> None:
    text = forms.form_yaml(taught(teacher.url, teacher_calls=3), deps)
    cost = start.cost(deps, text)
    assert cost is not None
    with pytest.raises(DataError, match="cap of 3 calls") as found:
        start.start(deps, text, cost.offer)
    assert "not paid for twice" in found.value.fix
    assert len(teacher.calls) == 3


def judged(url: str, **changes: Any) -> DataForm:
    given: dict[str, Any] = {"judged": True, "judge_url": url, "judge_model": "critic", "rows": 12}
    return form(**{**given, **changes})


def test_a_judge_of_the_form_is_the_judge_of_the_spec(deps: Deps) -> None:
    given = judged(
        "https://judge.example/v1", judge_key="OUR_KEY", judge_price_in=0.5, judge_price_out=2, judge_cap=3,
        judge_at_once=8, judge_tokens=900,
    )  # fmt: skip
    spec = forms.spec_of_form(given, deps)
    assert spec.judge == JudgeSpec(
        "https://judge.example/v1",
        "critic",
        "OUR_KEY",
        8,
        max_tokens=900,
        prices=Prices(0.5, 2),
        caps=Caps(1000, money=3),
    )
    assert start.spec_of_text(forms.form_yaml(given, deps), deps) == spec and spec.teacher is None
    assert forms.spec_of_form(replace(given, judged=False), deps).judge is None


@pytest.mark.parametrize(
    ("changes", "words_"),
    [
        ({"judge_url": ""}, "The judge has no address yet"),
        ({"judge_model": " "}, "The judge has no model"),
        ({"judge_calls": None}, "Nothing bounds what the judge may cost"),
        ({"judge_cap": 5}, "the judge's prices are unknown"),
        ({"judge_key": "sk-abcdefgh"}, "under the judge's Key is no name"),
    ],
)
def test_a_judge_that_can_not_be_asked_is_named(deps: Deps, changes: dict[str, Any], words_: str) -> None:
    with pytest.raises(StudioError, match=words_) as found:
        forms.spec_of_form(judged("https://judge.example/v1", **changes), deps)
    assert found.value.fix and "sk-abcdefgh" not in f"{found.value} {found.value.fix}"


@pytest.mark.usefixtures("builds_here")
def test_a_judge_is_paid_only_for_what_was_shown(deps: Deps) -> None:
    with Teacher(fair).running() as judge:
        text = forms.form_yaml(judged(judge.url, judge_price_in=1, judge_price_out=2, judge_cap=1), deps)
        cost = start.cost(deps, text)
        assert cost is not None and cost.problem == "" and [quote.whose for quote in cost.quotes] == ["judge"]
        with pytest.raises(DataError, match="What the judge of this very dataset would cost has not been shown"):
            start.start(deps, text)
        assert judge.calls == []
        assert start.start(deps, text, cost.offer).startswith("my-dataset-")
        assert len(judge.calls) == cost.quotes[0].estimate.requests > 0
        again = start.cost(deps, text)
        assert (
            again is not None and again.quotes[0].estimate.known == len(judge.calls) and again.quotes[0].spending.money
        )
    silent = start.cost(deps, text)
    assert silent is not None and "the judge's address" in silent.problem
    with pytest.raises(DataError, match="No endpoint answers"):
        start.start(deps, text, cost.offer)


def test_without_its_key_or_an_answer_a_teacher_is_not_asked(
    deps: Deps, teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OUR_KEY", raising=False)
    monkeypatch.setattr("keyring.get_password", lambda service, name: None)
    text = forms.form_yaml(taught(teacher.url, teacher_key="OUR_KEY"), deps)
    cost = start.cost(deps, text)
    assert cost is not None and "OUR_KEY is not set" in cost.problem
    with pytest.raises(DataError, match="OUR_KEY is not set"):
        start.start(deps, text, cost.offer)
    silent = start.cost(deps, forms.form_yaml(taught("http://127.0.0.1:9/v1"), deps))
    assert silent is not None and "No endpoint answers" in silent.problem and teacher.calls == []


def test_where_others_come_in_nothing_of_the_owner_leaves(tmp_path: Path, teacher: Teacher) -> None:
    shared = make_deps(tmp_path / "home", allow_paths=False)
    text = forms.form_yaml(taught(teacher.url), shared)
    with pytest.raises(DataError, match="A teacher is asked only from a studio that nobody else can reach"):
        start.cost(shared, text)
    for act in (start.cost, start.start):
        with pytest.raises(DataError, match="A judge is asked only from a studio that nobody else can reach"):
            act(shared, forms.form_yaml(judged(teacher.url), shared))
    assert teacher.calls == []
    version = make_version(shared.settings.home / "datasets")
    with pytest.raises(DataError, match="token is its owner's"):
        acts.push(shared, version.name, "ann/soups")


def test_a_version_is_pushed_over_real_http(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: False)
    version = make_version(deps.settings.home / "datasets")
    with Hub().running() as hub:
        address = acts.push(
            deps, version.name, "ann/soups", private=True, api=HfApi(endpoint=hub.url, token="hf_of_ours")
        )
    assert address.endswith("/ann/soups") and {"README.md", "train.jsonl", "manifest.json"} <= set(hub.files)
    assert "refused.jsonl" not in hub.files
    with pytest.raises(DataError, match="no dataset version"):
        acts.push(deps, "nothing", "ann/soups")


def test_ten_rows_of_a_built_in_source_are_shown_before_anything_is_built(deps: Deps) -> None:
    found = start.sample(deps, forms.form_yaml(form(rows=40), deps))
    assert len(found.rows) == start.SAMPLE and not found.bad and found.proposal is None
    assert {row.task for row in found.rows} == {"recipe-jsonld"}
    assert not (deps.settings.home / "datasets").exists()


def test_with_a_teacher_the_records_that_it_is_asked_about_are_shown(deps: Deps, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    items = [{"content": f"Item {n}: a model was released."} for n in range(3)]
    path.write_text("".join(json.dumps(item) + "\n" for item in (*items, {"content": " "})), "utf-8")
    given = taught("https://teacher.example/v1", task="news-metadata", kind="file", file=str(path), rows=0)
    text = forms.form_yaml(replace(given, teacher_styles=offers.teacher_styles("news-metadata", deps)), deps)
    found = start.sample(deps, text)
    assert [ask.given for ask in found.asked] == [item["content"] for item in items]  # nobody has annotated them yet
    assert found.rows == () and found.teacher == "large"
    (blank,) = found.bad
    assert "content" in blank.reason and "relevance_score" not in blank.reason
    recipes = start.sample(deps, forms.form_yaml(taught("https://teacher.example/v1"), deps))
    assert len(recipes.asked) == start.SAMPLE and recipes.asked[0].given.startswith("Title: ")


def test_a_dropped_file_is_kept_proposed_confirmed_and_read(deps: Deps, tmp_path: Path) -> None:
    upload = tmp_path / "soups.csv"
    upload.write_text(TABLE, "utf-8")
    kept = start.keep_file(deps, str(upload))
    assert not upload.exists() and Path(kept).read_text("utf-8") == TABLE and Path(kept).name == "soups.csv"
    given = form(kind="file", file=kept, rows=0, licence="CC0-1.0")
    proposal = start.sample(deps, forms.form_yaml(given, deps)).proposal
    assert {found.field: found.column for found in proposal.fields}["title"] == "name"
    with pytest.raises(DataError, match="Nobody has said yet"):
        start.start(deps, forms.form_yaml(given, deps))
    mapping = [[found.field, found.column, found.rule] for found in proposal.fields]
    sample = start.sample(deps, forms.form_yaml(replace(given, mapping=mapping, confirmed=True), deps))
    assert len(sample.rows) == 10 and sample.rows[0].licence == "CC0-1.0" and sample.rows[0].origin == "soups.csv"


@pytest.mark.parametrize("named", [False, True])
def test_a_guessed_encoding_is_shown_with_letters_and_confirmed_with_the_columns(
    deps: Deps, tmp_path: Path, named: bool
) -> None:
    path = tmp_path / "soups.csv"
    table = TABLE.replace("name,", "title,", 1) if named else TABLE  # with the fields' own names there is no mapping
    path.write_bytes(table.replace("Soup 0", "Crème brûlée").encode("cp1252"))
    given = form(kind="file", file=str(path), rows=0, licence="CC0-1.0")
    found = start.sample(deps, forms.form_yaml(given, deps))
    assert found.proposal is not None and found.guess is not None and found.guess.guessed
    assert found.guess.encoding == "cp1252" and "Crème brûlée" in found.guess.letters
    with pytest.raises(DataError, match="or its encoding"):
        start.start(deps, forms.form_yaml(given, deps))
    other = start.sample(deps, forms.form_yaml(given, deps), "cp437")  # as a person corrected it
    assert other.guess is not None and not other.guess.guessed and "CrΦme" in other.guess.letters
    assert any("CrΦme" in text for text in other.proposal.fields[0].before)
    mapping = [[field.field, field.column, field.rule] for field in found.proposal.fields]
    right = replace(given, mapping=mapping, confirmed=True, encoding=found.guess.encoding)
    assert start.spec_of_text(forms.form_yaml(right, deps), deps).sources[0].encoding == "cp1252"
    assert any("Crème brûlée" in row.source for row in start.sample(deps, forms.form_yaml(right, deps)).rows)


def test_an_empty_spec_and_a_wrong_key_are_told(deps: Deps) -> None:
    with pytest.raises(DataError, match="no spec yet"):
        start.spec_of_text(" \n", deps)
    with pytest.raises(DataError, match="tusk"):
        start.spec_of_text(forms.form_yaml(form(), deps) + "tusk: x\n", deps)


@pytest.mark.parametrize("kind", [{"kind": "file", "file": "/etc/passwd"}, {"kind": "hub", "dataset": "../private"}])
def test_where_others_come_in_no_path_is_read(tmp_path: Path, kind: dict[str, Any]) -> None:
    shared = make_deps(tmp_path / "home", allow_paths=False)
    with pytest.raises(DataError, match=r"closed to this page|no dataset id"):
        start.spec_of_text(forms.form_yaml(form(**kind), shared), shared)
    upload = tmp_path / "soups.csv"
    upload.write_text(TABLE, "utf-8")
    text = forms.form_yaml(form(kind="file", file=start.keep_file(shared, str(upload))), shared)
    assert start.spec_of_text(text, shared).sources[0].origin == "soups.csv"
    with pytest.raises(DataError, match="paths are closed"):
        start.spec_of_text(f"{text}protect: [/etc]\n", shared)


def test_a_space_makes_keeps_and_changes_nothing(space: Deps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path / "shipped")
    version = make_version(tmp_path / "shipped")
    row = version.folder / "train.jsonl"
    before = row.read_bytes()
    tries = [
        lambda: forms.spec_of_form(form(), space),
        lambda: start.spec_of_text("task: x", space),
        lambda: start.keep_file(space, str(row)),
        lambda: start.start(space, "task: x"),
        lambda: start.cost(space, "task: x"),
        lambda: acts.push(space, version.name, "ann/soups"),
        lambda: start.cancel(space, "ab"),
        lambda: start.dismiss(space, "ab"),
        lambda: acts.take_out(space, version.name, ["grammar"], ""),
        lambda: acts.keep_mended(space, version.name, ("x", "y", "{}")),
        lambda: acts.send_comparison(space, "page", "c1", acts.KNOWN),
    ]
    for attempt in tries:
        with pytest.raises(DataError, match="Nothing is kept on this Space") as found:
            attempt()
        assert "your own machine" in found.value.fix
    assert row.read_bytes() == before and not (tmp_path / "home").exists()


def test_taking_rows_out_makes_another_version(deps: Deps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_version(deps.settings.home / "datasets")
    gone = recipe_row(2).id
    made = datasets.find(deps, acts.take_out(deps, version.name, [], f" {gone}, "))
    assert made.rows == {"train": 5, "test": 2} and made.parent == version.name
    assert datasets.find(deps, version.name).rows == {"train": 6, "test": 2}
    monkeypatch.setattr(datasets, "SHIPPED", tmp_path / "shipped")
    shipped = make_version(tmp_path / "shipped", name="starter")
    with pytest.raises(DataError, match="ships with the studio"):
        acts.take_out(deps, shipped.name, ["grammar"], "")


def test_an_export_holds_the_chosen_parts_and_nothing_is_left_on_the_disk(deps: Deps) -> None:
    version = make_version(deps.settings.home / "datasets")
    before = sorted(deps.settings.home.rglob("*"))
    file = acts.export(deps, version.name, "completion", ["test"])
    lines = [json.loads(line) for line in file["text"].splitlines()]
    assert file["name"] == f"{version.name}-completion.jsonl" and {line["part"] for line in lines} == {"test"}
    assert len(lines) == 2 and sorted(deps.settings.home.rglob("*")) == before
    with pytest.raises(DataError, match="No part"):
        acts.export(deps, version.name, "completion", [])


def test_an_export_too_large_for_a_page_says_where_the_rows_are(deps: Deps, monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_version(deps.settings.home / "datasets")
    monkeypatch.setattr(acts, "MOST_BYTES", 10)
    with pytest.raises(DataError) as found:
        acts.export(deps, version.name, "chat", ["train"])
    assert version.name in found.value.fix


def test_a_refused_row_is_mended_checked_again_and_kept_for_evaluation(deps: Deps) -> None:
    version = make_version(deps.settings.home / "datasets")
    refused, good = recipe_row(7, text="x").id, recipe_row(7)
    refused = json.loads((version.folder / "refused.jsonl").read_text("utf-8").splitlines()[0])["row"]["id"]
    answer = json.dumps(good.gold)
    still = acts.check_again(deps, version.name, (refused, "Short.", answer), words)
    assert {refusal.gate for refusal in still.refusals} >= {"supported"}
    with pytest.raises(DataError, match="still refused"):
        acts.keep_mended(deps, version.name, (refused, "Short.", answer), words)
    whole = {**good.gold}
    whole.pop("recipeCuisine")
    edited = (refused, good.source, json.dumps(whole))
    assert acts.check_again(deps, version.name, edited, words).refusals == ()
    kept = acts.keep_mended(deps, version.name, edited, words)
    assert list_candidates(deps.settings.home, "recipe-jsonld") == [kept]
    assert kept.use == "evaluation" and kept.gold == whole and version.name in kept.note
    assert kept.group == good.group  # so that nothing of the same recipe stays in train


def test_a_mended_row_goes_back_to_where_its_recipe_is_in_the_versions_own_spec(deps: Deps) -> None:
    version = make_version(deps.settings.home / "datasets")
    refused = json.loads((version.folder / "refused.jsonl").read_text("utf-8").splitlines()[0])["row"]["id"]
    good = recipe_row(7)
    answer = json.dumps({key: value for key, value in good.gold.items() if key != "recipeCuisine"})
    kept = acts.keep_mended(deps, version.name, (refused, good.source, answer), words, use=acts.AGAIN)
    assert (kept.use, kept.group, kept.slice) == ("row", good.group, "plain")
    text, missing = start.spec_again(deps, version.name)
    assert start.spec_of_text(text, deps) == version.spec and missing == ""
    text = start.accept(deps, text, [kept.id], "CC0-1.0")
    added = start.spec_of_text(text, deps).sources[-1]
    assert added.part == "" and added.origin.startswith("candidates-")
    (row,) = start.sample(deps, text).rows[-1:]
    assert (row.source, row.group, row.slice) == (good.source, good.group, "plain")


def test_a_spec_that_is_used_again_finds_what_the_home_keeps_and_names_the_rest(deps: Deps, tmp_path: Path) -> None:
    upload = tmp_path / "soups.csv"
    upload.write_text(TABLE, "utf-8")
    path = start.keep_file(deps, str(upload))
    sources = (SourceSpec("file", path=path), SourceSpec("file", path=str(tmp_path / "stews.csv")))
    version = make_version(deps.settings.home / "datasets", sources=sources)
    assert [source.path for source in version.spec.sources] == ["soups.csv", "stews.csv"]
    text, missing = start.spec_again(deps, version.name)
    assert [source.path for source in spec_from(text, Path("x.yaml")).sources] == [path, "stews.csv"]
    assert "where stews.csv lies" in missing


def test_a_row_that_waits_can_be_deleted(deps: Deps) -> None:
    deps.shelf("page").add_comparison(make_comparison("c1"))
    sent = acts.send_comparison(deps, "page", "c1", "tiny-recipes")
    with pytest.raises(DataError, match="with another answer") as found:
        acts.send_corrected(deps, "page", "c1", json.dumps({**sent.gold, "name": "Another"}))
    assert "Delete that one first" in found.value.fix
    start.forget(deps, [sent.id])
    assert list_candidates(deps.settings.home) == []
    assert acts.send_corrected(deps, "page", "c1", json.dumps({**sent.gold, "name": "Another"})).answer == "corrected"
    with pytest.raises(DataError, match="No row was chosen"):
        start.forget(deps, [])


def test_a_mended_row_may_not_repeat_what_is_held_out(deps: Deps) -> None:
    version = make_version(deps.settings.home / "datasets")
    refused = json.loads((version.folder / "refused.jsonl").read_text("utf-8").splitlines()[0])["row"]["id"]
    held = recipe_row(100)
    found = acts.check_again(deps, version.name, (refused, held.source, json.dumps(held.gold)), words)
    assert "evaluation" in {refusal.gate for refusal in found.refusals}


def test_a_refused_row_whose_siblings_are_held_out_can_be_mended(deps: Deps) -> None:
    version = make_version(deps.settings.home / "datasets", sibling="g7")
    refused = json.loads((version.folder / "refused.jsonl").read_text("utf-8").splitlines()[0])["row"]
    assert refused["group"] == "g7"  # as the first test row: built again, the split puts both on one side
    good = recipe_row(7)
    answer = json.dumps({key: value for key, value in good.gold.items() if key != "recipeCuisine"})
    edited = (refused["id"], good.source, answer)
    assert acts.check_again(deps, version.name, edited, words).refusals == ()
    assert acts.keep_mended(deps, version.name, edited, words).group == "g7"
    other = recipe_row(101)  # held out, and of another group
    found = acts.check_again(deps, version.name, (refused["id"], other.source, json.dumps(other.gold)), words)
    assert "evaluation" in {refusal.gate for refusal in found.refusals}


@pytest.mark.parametrize(("answer", "words_"), [("{", "is no JSON"), ("[1]", "no object")])
def test_an_answer_that_is_no_object_is_not_checked(deps: Deps, answer: str, words_: str) -> None:
    version = make_version(deps.settings.home / "datasets")
    refused = json.loads((version.folder / "refused.jsonl").read_text("utf-8").splitlines()[0])["row"]["id"]
    with pytest.raises(DataError, match=words_):
        acts.check_again(deps, version.name, (refused, "text", answer), words)


def test_an_answer_that_no_column_has_is_written_checked_and_kept(deps: Deps, space: Deps) -> None:
    deps.shelf("page").add_comparison(make_comparison("c1"))
    given = json.loads(acts.chosen_text(deps, "page", "c1", "tiny-recipes"))
    right = {**given, "name": "What it really is"}
    for text, why in (
        (" ", "No answer was written"),
        ("{", "is no JSON"),
        (json.dumps({**given, "name": 7}), "breaks the contract"),
        (json.dumps({**given, "mood": "good"}), "can't be kept"),
    ):
        with pytest.raises(DataError, match=why) as found:
            acts.send_corrected(deps, "page", "c1", text)
        assert found.value.fix
    assert list_candidates(deps.settings.home) == []
    kept = acts.send_corrected(deps, "page", "c1", json.dumps(right))
    assert (kept.gold, kept.answer, kept.comparison, kept.use) == (right, "corrected", "c1", "evaluation")
    assert list_candidates(deps.settings.home) == [kept]
    with pytest.raises(DataError, match="Nothing is kept"):
        acts.send_corrected(space, "page", "c1", "{}")


def test_a_comparison_is_sent_once_and_becomes_test_rows_of_a_spec(deps: Deps) -> None:
    deps.shelf("page").add_comparison(make_comparison("c1"))
    data = deps.shelf("page").get_comparison("c1")
    assert acts.answers_of(data) == ["tiny-recipes"]  # prose can't be read, and no answer is known
    sent = acts.send_comparison(deps, "page", "c1", "tiny-recipes")
    assert acts.send_comparison(deps, "page", "c1", "tiny-recipes").id == sent.id
    text = start.accept(deps, forms.form_yaml(form(), deps), [sent.id], "CC0-1.0")
    added = start.spec_of_text(text, deps).sources[-1]
    assert added.part == "test" and added.licence == "CC0-1.0" and Path(added.path).is_file()
    with pytest.raises(DataError, match="is not said"):
        start.accept(deps, forms.form_yaml(form(), deps), [sent.id], " ")
    with pytest.raises(DataError, match="no comparison to send"):
        acts.send_comparison(deps, "page", "", acts.KNOWN)
    with pytest.raises(DataError, match="could not be read"):
        acts.send_comparison(deps, "page", "c1", "base")
    with pytest.raises(InputError):
        forms.spec_of_form(form(task="nothing"), deps)
