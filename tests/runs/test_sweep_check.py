"""Before a sweep starts, each of its combinations is looked at as a run would be, and what reads the rows only once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_versions import version_of
from training.data.versions import open_version, rows_of
from training.engine import row_checks, run_rows
from training.errors import InputError
from training.runs.config import RunConfig
from training.runs.measured import remember
from training.runs.records import Check
from training.runs.sweep_check import check_sweep
from training.runs.sweep_spec import DEFAULT_FIELDS, Range, SweepSpec


def spec_of(config: RunConfig, **fields: Any) -> SweepSpec:
    return SweepSpec("s", config, fields)


def test_a_whole_grid_reads_its_rows_and_its_base_once(
    home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.engine import run_needs
    from training.runs import preflight

    seen: list[str] = []

    def counted(name: str, real: Any) -> Any:
        def look(*given: Any, **more: Any) -> Any:
            seen.append(name)
            return real(*given, **more)

        return look

    row_checks._see.cache_clear()
    monkeypatch.setattr(row_checks, "rendered", counted("rows", run_rows.rendered))
    monkeypatch.setattr(run_needs, "see_base", counted("base", run_needs.see_base))
    monkeypatch.setattr(preflight, "find_version_of", counted("version", preflight.find_version_of))
    check_sweep(spec_of(config, **DEFAULT_FIELDS), home)
    assert sorted(seen) == ["base", "rows", "version"]


def test_a_combination_that_can_not_work_is_told_with_its_values(home: Path, config: RunConfig) -> None:
    with pytest.raises(InputError) as caught:
        check_sweep(spec_of(config, max_length=(8192, 60), rank=(2, 4), learning_rate=(1e-3, 1e-4)), home)
    assert "4 of 8 combinations can't start, the first with max_length 60, rank 2" in str(caught.value)
    assert "No row fits into 60 tokens" in str(caught.value) and "Raise max_length" in caught.value.fix
    with pytest.raises(InputError, match="max_length 60"):
        check_sweep(replace(spec_of(config, max_length=Range(60, 8192)), search="tpe", trials=3), home)


def test_a_test_row_in_train_stops_the_whole_sweep(home: Path, config: RunConfig, tmp_path: Path) -> None:
    version = open_version(home / "datasets" / config.dataset)
    rows = {part: list(rows_of(version, part)) for part in version.rows}
    leaking = version_of(tmp_path, config.task, {**rows, "test": rows["train"][:1]})
    with pytest.raises(InputError, match="No combination can start: Of the held-out rows"):
        check_sweep(spec_of(replace(config, dataset=str(leaking)), rank=(2, 4)), home)


def test_what_was_measured_not_to_run_stops_its_combination(home: Path, config: RunConfig) -> None:
    spec = spec_of(config, rank=(2, 4))
    version = open_version(home / "datasets" / config.dataset)
    stop = Check("memory", "stop", "Memory ran out.", "Lower rank.")
    remember(spec.config_of({"rank": 4}), version.sha256, home, stop)
    try:
        with pytest.raises(InputError, match="1 of 2 combinations can't start, the first with rank 4: Measured on"):
            check_sweep(spec, home)
    finally:
        remember(spec.config_of({"rank": 4}), version.sha256, home, None)
    check_sweep(spec, home)
