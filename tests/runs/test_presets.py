"""Presets: ours are whole recipes that can run, one's own stand beside them, and a broken one is told by its file."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.engine import train_device
from training.errors import InputError
from training.runs.checks import problems
from training.runs.config import RunConfig
from training.runs.preflight import preflight
from training.runs.presets import BUILTIN, apply, find_presets, preset_of

OURS = find_presets()


def test_the_list_of_ours() -> None:
    assert list(OURS) == [
        "crumb-two-minutes", "first-run", "sanity-100", "post-best", "qlora", "news", "news-large-batch", "course-full",
    ]  # fmt: skip
    assert {file.stem for file in BUILTIN.iterdir()} == set(OURS)


@pytest.mark.parametrize("name", list(OURS))
def test_each_has_a_title_and_one_sentence_on_when_and_gives_a_sound_config(name: str) -> None:
    preset = OURS[name]
    assert 3 <= len(preset.title) <= 40
    assert preset.when.endswith(".") and 20 < len(preset.when) < 220
    config = apply(preset, RunConfig(dataset="x"))
    assert problems(config) == ()
    assert all(getattr(config, field) == value for field, value in preset.values.items())


def test_the_figures_that_the_sources_give() -> None:
    post = apply(OURS["post-best"], RunConfig())
    assert (post.rank, post.max_steps, post.grad_accumulation, post.learning_rate) == (64, 50, 4, 5e-4)
    qlora = apply(OURS["qlora"], RunConfig())
    assert qlora.four_bit and qlora.packing and qlora.optimizer == "paged_adamw_8bit"
    assert (qlora.max_length, qlora.rank, qlora.alpha, qlora.dropout) == (2048, 16, 32, 0.05)
    assert len(qlora.target_modules) == 7
    assert (qlora.batch_size, qlora.grad_accumulation, qlora.learning_rate) == (2, 8, 2e-4)
    assert (qlora.warmup, qlora.weight_decay, qlora.schedule) == (0.03, 0.01, "cosine")
    assert 1 <= qlora.epochs <= 3
    assert qlora.early_stopping
    news, large = (apply(OURS[name], RunConfig()) for name in ("news", "news-large-batch"))
    assert (news.rank, news.max_steps, news.warmup, news.seed, news.schedule) == (32, 455, 10, 3407, "linear")
    assert (large.learning_rate, large.batch_size * large.grad_accumulation, large.max_steps) == (1.6e-3, 128, 1000)
    course = apply(OURS["course-full"], RunConfig())
    assert (course.method, course.epochs, course.learning_rate) == ("full", 3.0, 5e-5)
    for few, every in ((qlora, 20), (course, 60)):  # the sources have thousands of rows, what ships has some 370
        assert few.eval_steps == few.save_steps == every
    crumb = apply(OURS["crumb-two-minutes"], RunConfig())
    assert (crumb.base, crumb.dtype) == ("crumb", "auto")
    assert 1_000 <= crumb.batch_size * crumb.max_steps <= 1_400  # short rows, some ten a second


def test_applied_it_sets_the_recipe_and_leaves_what_the_run_is_about() -> None:
    before = RunConfig(
        task="news-metadata", dataset="mine", base="owner/model", name="mine", dtype="fp32", threads=2, seed=1,
        report_to=("wandb",), method="qlora", dropout=0.05, packing=True, evaluate_rows=10,
    )  # fmt: skip
    after = apply(OURS["post-best"], before)
    kept = ("task", "dataset", "base", "name", "dtype", "threads", "seed", "report_to")
    assert all(getattr(after, field) == getattr(before, field) for field in kept)
    assert (after.method, after.dropout, after.packing, after.evaluate_rows) == ("lora", 0.0, False, 50)
    assert apply(OURS["post-best"], apply(OURS["qlora"], before)) == after  # whatever was chosen before


def write(home: Path, name: str, text: str) -> None:
    (home / "presets").mkdir(exist_ok=True)
    (home / "presets" / f"{name}.yaml").write_text(text, "utf-8")


def test_ones_own_stand_beside_ours_and_may_replace_them(tmp_path: Path) -> None:
    write(tmp_path, "mine", "title: Mine\nwhen: Always.\nvalues: {rank: 8, learning_rate: 1e-3}\n")
    write(tmp_path, "post-best", "title: Ours no more\nwhen: Never.\norder: 0\nvalues: {rank: 9}\n")
    found = find_presets(tmp_path)
    assert next(iter(found)) == "post-best" and list(found)[-1] == "mine"
    assert found["post-best"].values == {"rank": 9}
    assert apply(found["mine"], RunConfig()) == replace(RunConfig(), rank=8, learning_rate=1e-3)
    assert preset_of("mine", tmp_path).title == "Mine"
    with pytest.raises(InputError, match="no preset 'mine'") as caught:
        preset_of("mine")
    assert "post-best" in caught.value.fix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("when: x\nvalues: {}\n", "title"),
        ("title: x\nwhen: y\n", "values"),
        ("title: x\nwhen: y\nvalues: {}\nauthor: me\n", "author"),
        ("title: x\nwhen: y\nvalues: {ranks: 3}\n", "ranks is no setting"),
        ("title: x\nwhen: y\nvalues: {rank: '3'}\n", "rank is '3'"),
        ("title: x\nwhen: y\nvalues: {rank: 0}\n", "rank is 0"),
        ("title: x\nwhen: y\nvalues: {epochs: 2}\n", "epochs is 2"),
        ("title: x\nwhen: y\nvalues: {dataset: mine}\n", "dataset is no part of a preset"),
        ("title: [x\n", "no valid YAML"),
    ],
)
def test_a_broken_one_is_told_by_its_file(text: str, said: str, tmp_path: Path) -> None:
    write(tmp_path, "broken", text)
    with pytest.raises(InputError, match=said) as caught:
        find_presets(tmp_path)
    assert "broken.yaml" in str(caught.value)


SHIPPED = ("recipe-jsonld", "news-metadata", "recipe-writer")
FITS = [(name, task) for name in OURS for task in SHIPPED if not name.startswith("news") or task == "news-metadata"]


@pytest.mark.parametrize(("name", "task"), FITS)
def test_each_starts_on_what_ships_for_its_task(
    name: str, task: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What only a GPU can do aside."""
    monkeypatch.setattr(train_device, "_check_bitsandbytes", lambda *_: None)
    home = tmp_path_factory.getbasetemp() / "presets-home"  # rows are rendered once for all of them
    home.mkdir(exist_ok=True)
    config = apply(OURS[name], RunConfig(task=task, dataset=f"{task}-small"))
    if name == "qlora":
        config = replace(config, target_modules="all-linear")  # the embedded base has other names for its layers
    found = preflight(config, home)
    assert [f"{check.words} {check.fix}" for check in found.checks if check.state == "stop"] == []
    if config.early_stopping:
        assert found.steps >= 2 * config.eval_steps, "the best of one look is no choice"
    if name == "sanity-100":
        assert found.estimate is not None and 80 <= found.estimate.rows <= 100 and found.estimate.steps <= 100
