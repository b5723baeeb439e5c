"""Every metric is explained, and every number on its page is what the real code computes."""

from pathlib import Path

import pytest

from training.errors import PackError
from training.evals.metric_pages import MetricPage, metric_pages, page_of, worked_figures
from training.evals.metrics import metric_specs
from training.task.pack import BUILTIN, find_packs

PAGES = metric_pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_worked_example_is_worked(page: MetricPage) -> None:
    found = worked_figures(page.example)
    for name, said in page.example["figures"].items():
        value = found[name]
        assert value is not None and value == pytest.approx(said, abs=5.1e-4), (name, value)


def test_every_metric_has_its_page_and_every_page_its_metrics() -> None:
    specs = [spec for pack in find_packs(BUILTIN).values() for spec in metric_specs(pack)]
    named = {name for page in PAGES for name in page.metrics}
    for spec in specs:
        page = page_of(spec.name)
        assert page is not None and page.name == spec.page, spec.name
    bases = {spec.name if spec.name.startswith("lint:") else spec.name.partition(":")[0] for spec in specs}
    assert named == bases, "a page names what is measured, and nothing else"
    assert sum(len(page.metrics) for page in PAGES) == len(named), "one page a metric"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_explains_each_of_its_metrics(page: MetricPage) -> None:
    for name in page.metrics:
        assert name in page.body or name.startswith("lint:") or name in ("precision", "recall"), name
    assert "### Worked example" in page.body and "| figure | value |" in page.body


def test_what_is_written_wrongly_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("no front matter\n", "utf-8")
    with pytest.raises(PackError, match="front matter"):
        metric_pages(tmp_path)
    assert page_of("bleu") is None
