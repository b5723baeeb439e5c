"""Measured steps: what stops them stops the run until they are measured anew; they have the machine to themselves."""

import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from studio.actions import runs as acts
from studio.actions.run_form import values_of
from tests.studio.run_samples import run_deps
from training import cli
from training.engine import calibrate
from training.engine.calibrate import Measured, NotMeasured
from training.errors import RunError
from training.runs import preflight_measure
from training.runs.config import RunConfig
from training.runs.config_file import config_yaml
from training.runs.lease import Lease
from training.runs.preflight import preflight
from training.runs.records import Check, Preflight

FOUND = Measured(3, 100.0, 1.0, 10**8, 10, 100, "cpu")


def stops(found: Preflight) -> list[Check]:
    return [check for check in found.checks if check.state == "stop"]


def named(found: Preflight, name: str) -> Check:
    return next(check for check in found.checks if check.name == name)


def test_steps_that_could_not_be_run_stop_the_run_until_they_are_measured_anew(home: Path, config: RunConfig) -> None:
    """A real base whose weights are not of its config: every check passes, and the first step can't be made."""
    folder = shutil.copytree(home / "models" / "llama", home / "models" / "broken")
    sound = (folder / "config.json").read_text("utf-8")
    (folder / "config.json").write_text(json.dumps(json.loads(sound) | {"intermediate_size": 80}), "utf-8")
    broken = replace(config, base="broken")
    assert preflight(broken, home).ok, "nothing is known of it yet"
    (stop,) = stops(preflight(broken, home, measure=True))
    for same in (broken, replace(broken, max_steps=3, evaluate_rows=0, name="another name")):
        (kept,) = stops(preflight(same, home))
        assert kept.words.startswith("Measured on ") and kept.words.endswith(stop.words)
        assert stop.fix in kept.fix and "measures anew" in kept.fix
    for other in (config, replace(broken, batch_size=1), replace(broken, gradient_checkpointing=True)):
        assert preflight(other, home).ok
    (folder / "config.json").write_text(sound, "utf-8")
    assert not preflight(broken, home).ok, "nobody has measured since"
    assert preflight(broken, home, measure=True).ok and preflight(broken, home).ok


def test_neither_window_nor_command_line_starts_what_was_measured_not_to_run(
    home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> Measured:
        raise NotMeasured("Memory ran out.", fix="Lower batch_size.", kind="out_of_memory")

    monkeypatch.setattr(calibrate, "measure", full)
    big = replace(config, batch_size=3)
    assert named(preflight(big, home, measure=True), "memory").state == "ok", "the reckoned one"
    assert [check.name for check in stops(preflight(big, home))] == ["memory"]
    deps, launcher = run_deps(home)
    with pytest.raises(RunError, match=r"Measured on .* Memory ran out") as caught:
        acts.start(deps, acts.ready(deps, values_of(big)), "n")
    assert "Lower batch_size." in caught.value.fix and launcher.submitted == []
    (home / "big.yaml").write_text(config_yaml(big), "utf-8")
    assert cli.main(["train", str(home / "big.yaml"), "--home", str(home)]) == 2
    assert "Measured on" in capsys.readouterr().err


def test_a_slow_measurement_stops_nothing_and_clears_what_did(
    home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, ok in (("killed", False), ("slow", True)):

        def failing(*_: object, kind: str = kind) -> Measured:
            raise NotMeasured("Not done.", fix="", kind=kind)

        monkeypatch.setattr(calibrate, "measure", failing)
        assert preflight(replace(config, seed=3), home, measure=True).ok is ok
        assert preflight(replace(config, seed=3), home).ok is ok


def test_steps_are_not_run_beside_a_run(home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Measured:
        raise AssertionError("measured beside a run")

    monkeypatch.setattr(calibrate, "measure", never)
    other = Lease(home)
    assert other.acquire("soups-r64-aaaaaa", "run")
    try:
        began = time.monotonic()
        found = preflight(config, home, measure=True)
        assert time.monotonic() - began < preflight_measure.WAIT_S / 2, "a run is not waited for"
    finally:
        other.release()
    assert found.ok and found.estimate is not None and found.estimate.seconds is None
    assert named(found, "time").state == "wait" and "the run soups-r64-aaaaaa" in named(found, "time").words


def test_steps_have_the_machine_once_who_held_it_gives_way(
    home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def measured(*_: object) -> Measured:
        holder = Lease(home).holder()
        seen.append(holder.holder if holder else "")
        return FOUND

    def give_way() -> None:
        while engine.wanted() is None:
            time.sleep(0.05)
        engine.release()

    monkeypatch.setattr(calibrate, "measure", measured)
    engine = Lease(home)
    assert engine.acquire("the comparison model", "engine")
    giving = threading.Thread(target=give_way)
    giving.start()
    found = preflight(config, home, measure=True)
    giving.join()
    assert found.estimate is not None and found.estimate.measured_steps == 3
    assert len(seen) == 1 and seen[0].startswith("the check ") and config.label in seen[0]
    assert Lease(home).holder() is None, "given back"


def test_what_is_not_timed_is_named_beside_the_time(
    home: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "measure", lambda *_: FOUND)
    watched = replace(config, max_steps=20, eval_steps=5, sample_steps=10, evaluate_rows=30)
    found = preflight(watched, home, measure=True).estimate
    assert found is not None and len(found.on_top) == 3
    assert "every 5 steps" in found.on_top[0] and "every 10" in found.on_top[1] and "30 dev rows" in found.on_top[2]
    bare = preflight(replace(config, evaluate_rows=0), home, measure=True).estimate
    assert bare is not None and bare.on_top == ()
