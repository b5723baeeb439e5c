"""How an adapter was trained, and under which licence it may be passed on, for the manifest and the card.

Read from the provenance.json that every run leaves with its adapter, and from adapter_config.json of adapters made
elsewhere. What is not written there, or is of another kind than it should be, is left out: nothing is guessed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.disk import read_object

_TEXTS = ("method", "schedule", "dataset", "licence", "command")
_NUMBERS = ("rank", "alpha", "batch_size", "grad_accumulation", "learning_rate", "seed", "steps", "rows")


def training_facts(folder: Path) -> dict[str, Any]:
    """Of an adapter's folder: method, rank, alpha, target_modules, batch_size (rows), grad_accumulation, learning_rate,
    schedule, dataset, seed; steps and rows of the run, licence, data [{name, licence, rows}], command. {} for nothing
    known."""
    about, config = read_object(folder / "provenance.json"), read_object(folder / "adapter_config.json")
    run = _part(about, "run") or about
    settings = _part(run, "config")
    if not settings:
        kind = str(config.get("peft_type") or "").lower()
        settings = {"method": kind, "rank": config.get("r"), "alpha": config.get("lora_alpha"),
                    "target_modules": config.get("target_modules")}  # fmt: skip
    known = settings | {
        "steps": _part(run, "result").get("steps"), "rows": _part(run, "rows").get("used"),
        "licence": about.get("licence"), "command": about.get("command"),
    }  # fmt: skip
    found: dict[str, Any] = {name: text for name in _TEXTS if (text := known.get(name)) and isinstance(text, str)}
    if "dataset" in found:
        found["dataset"] = Path(found["dataset"]).name
    found |= {name: known[name] for name in _NUMBERS if type(known.get(name)) in (int, float) and known[name]}
    modules = known.get("target_modules")
    if modules and isinstance(modules, str | list):
        found["target_modules"] = modules if isinstance(modules, str) else ", ".join(sorted(map(str, modules)))
    data = about.get("data")
    parts = [part for part in data if isinstance(part, dict)] if isinstance(data, list) else []
    return found | ({"data": parts} if parts else {})


def training_lines(facts: Mapping[str, Any]) -> list[str]:
    """The same for people: method, rows, licence and the data's licences, a sentence each."""
    lines: list[str] = []
    if method := facts.get("method"):
        size = "".join(f", {name} {facts[name]:g}" for name in ("rank", "alpha") if facts.get(name))
        where = f", on {facts['target_modules']}" if facts.get("target_modules") else ""
        lines.append(f"Trained with {str(method).replace('lora', 'LoRA')}{size}{where}.")
    if steps := facts.get("steps"):
        rows = int(facts.get("batch_size") or 1) * int(facts.get("grad_accumulation") or 1)
        rate = f", learning rate {facts['learning_rate']:g}" if facts.get("learning_rate") else ""
        schedule = f" ({facts['schedule']})" if facts.get("schedule") else ""
        lines.append(f"{int(steps):,} steps of {rows:,} rows{rate}{schedule}, seed {facts.get('seed', 'not known')}.")
    if rows := facts.get("rows"):
        of = f" of {facts['dataset']}" if facts.get("dataset") else ""
        lines.append(f"Learnt from {int(rows):,} rows{of}.")
    for part in facts.get("data") or ():
        lines.append(f"Data: {part.get('name')}, {part.get('rows')} ({part.get('licence')}).")
    if licence := facts.get("licence"):
        lines.append(f"Licence: {licence}.")
    if command := facts.get("command"):
        lines.append(f"Made by: {command}")
    return lines


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}
