"""Every chart drawn once by Plotly in a browser, a picture of each in the test's folder: one bare page, one pass."""

from pathlib import Path
from typing import Any

import pytest
from plotly.offline import get_plotlyjs  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

from tests.evals.chart_data import A, B, aggregates
from training.evals.charts.catalogue import CHARTS

pytestmark = pytest.mark.browser
WIDTH = 900
MARKS = """box => {
  const inside = "path.point, .points path, .point path, .lines path, .hm image, .shapelayer path, .annotation rect";
  const words = [...box.querySelectorAll("text")].filter((text) => text.textContent.trim());
  return {marks: box.querySelectorAll(inside).length, words: words.length, width: box.getBoundingClientRect().width};
}"""  # what stands inside the axes, whatever the chart's kind


def test_every_chart_draws_something_and_leaves_a_picture(browser: Any, tmp_path: Path) -> None:
    data = aggregates()
    page = browser.new_page(viewport={"width": WIDTH, "height": 700})
    faults: list[str] = []
    page.on("pageerror", lambda err: faults.append(str(err)))
    page.set_content(f'<meta charset="utf-8"><div id="chart" style="width:{WIDTH}px"></div>')
    page.add_script_tag(content=str(get_plotlyjs()))
    box = page.locator("#chart")
    for spec in CHARTS:
        chart = spec.draw(data, (A, B), "strict")
        assert chart.figure is not None, (spec.id, chart.why_empty)
        page.evaluate("figure => Plotly.newPlot('chart', figure.data, figure.layout, {staticPlot: true})", chart.figure)
        found = box.evaluate(MARKS)
        assert found["marks"] > 0 and found["words"] > 2 and found["width"] > 200, (spec.id, found)
        box.screenshot(path=tmp_path / f"{spec.id}.png")
        assert (tmp_path / f"{spec.id}.png").stat().st_size > 3_000, spec.id
        page.evaluate("Plotly.purge('chart')")
    page.close()
    assert len(list(tmp_path.glob("*.png"))) == len(CHARTS) == 20 and not faults, faults
