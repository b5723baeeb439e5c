"""What the manifest says of times: one quantile, the one of every figure."""

import pytest

from training.evals.manifest import latency_facts
from training.evals.metrics import Cells, measure_all, spec_named
from training.evals.records import Answered
from training.task.pack import BUILTIN, load_pack
from training.task.records import Score

PACK = load_pack(BUILTIN / "recipe-jsonld")


@pytest.mark.parametrize("times", [[3.0], [1.0, 2.0], [2.3, 0.9, 1.4, 3.9, 1.1, 2.0, 1.7, 1.2], [*range(1, 21), 99.0]])
def test_a_quantile_is_the_one_that_the_figures_have(times: list[float]) -> None:
    answers = [Answered("a", str(at), 0, "x" * 10, "eos", "h", 400, 20, 1.0, 0.5, t, 1) for at, t in enumerate(times)]
    told = latency_facts(answers, 5, "cpu")
    cells = Cells.from_scores([[Score("latency_s", t, n=1)] for t in times])
    for name in ("p50", "p95"):
        spec = spec_named(PACK, f"latency_{name}")
        assert spec is not None
        assert told["s_per_doc"][name] == pytest.approx(measure_all([spec], cells, resamples=9)[spec.name].value)
        assert told["s_per_doc"][name] in times, "nothing is drawn between two times that were measured"
    assert told["prefill_tokens_per_s"] == 800.0 and told["peak_memory_bytes"] == 5
