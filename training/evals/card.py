"""The model card of a tuned arm in the Hub's format, written from an evaluation's folder, never by hand.

The head between --- lines is the Hub's metadata with a model-index: one result a declared metric, strict tier. Below it
what a person asks of a model: what it is for and not for, how it was measured against what, where it fails, how to have
the same figures again. Limit: it knows what the evaluation recorded, of an adapter's training what stood beside it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from training.disk import disk, write_whole
from training.evals.charts.words import percent
from training.evals.clusters import cluster_named, cluster_title
from training.evals.figures import Figures, asked_pair, figures_of, read_aggregates
from training.evals.frames import read_frame
from training.evals.gates import check_gates
from training.evals.manifest import read_manifest
from training.evals.records import CARD, GEN
from training.evals.report_facts import limits, receipt
from training.evals.training_facts import training_lines
from training.evals.verdict import HELPED, verdict
from training.task.pack import Pack

Facts = Mapping[str, Any]
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
LICENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{1,40}")
MOST_CLUSTERS = 6


def write_card(folder: Path, pack: Pack, arm: str = "") -> Path:
    """`render_card` into the folder's card.md; returns the file."""
    with disk("write the model card", folder):
        write_whole(folder / CARD, render_card(folder, pack, arm))
    return folder / CARD


def render_card(folder: Path, pack: Pack, arm: str = "") -> str:
    """The card of `arm`, "" for the tuned arm of the verdict. DataError for a folder without aggregates, InputError for
    an arm that is not there."""
    aggregates, manifest = read_aggregates(folder), read_manifest(folder)
    mine, pair = asked_pair(aggregates, arm)
    figures = figures_of(aggregates, pack, pair)
    gates = check_gates(folder, pack, mine)
    facts: Facts = (manifest.get("arms") or {}).get(mine) or {}
    found = verdict(aggregates, figures.pair, pack)
    parts = [
        _head(figures, manifest, facts, mine),
        f"# {_line(figures.label(mine) or pack.name)}: {pack.title}",
        f"**{HELPED[found.helped]}.** {_line(found.sentence)}",
        "This card was written by Taste Test from the records of an evaluation.",
        f"## What it is for\n\n{_task(pack, 'Goal')}\n\n{_task(pack, 'Inputs')}",
        f"## What it is not for\n\n{_task(pack, 'Non-goals')}",
        f"## What it is\n\n{_model(figures, facts, mine)}",
        f"## Evaluation\n\n{_evaluated(figures, manifest)}\n\n{_table(figures)}\n\n{_list(found.facts)}",
        _gates(gates),
        f"## Where it fails\n\n{_failures(folder, figures, mine)}\n\n{_task(pack, 'Failure modes')}",
        f"## Safety\n\n{_safety(figures, mine)}",
        f"## Deployment\n\n{_task(pack, 'Deployment target')}\n\n{_task(pack, 'Cost and latency target')}",
        f"## Limits\n\n{_list(limits(figures, manifest))}",
        f"## The same figures again\n\n{_receipt(manifest, figures)}",
        f"## Changes\n\n- {_when(manifest)}: evaluated on {figures.view.n_docs:,} documents.",
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _head(figures: Figures, manifest: Facts, facts: Facts, arm: str) -> str:
    """The Hub's metadata. A base that is no Hub id is told in the text alone, and a licence that is no identifier: the
    Hub refuses such."""
    licence = str((facts.get("training") or {}).get("licence") or "")
    data: dict[str, Any] = {
        "language": "en",
        **({"license": licence.lower()} if LICENCE.fullmatch(licence) else {}),
        "library_name": "peft" if facts.get("kind") == "adapter" else "transformers",
    }
    base = str(facts.get("base") or "")
    if HUB_ID.fullmatch(base):
        data["base_model"] = base
    data["pipeline_tag"] = "text-generation"
    data["tags"] = ["taste-test", figures.pack.name]
    if results := _results(figures, manifest, arm):
        data["model-index"] = [{"name": figures.label(arm), "results": results}]
    return f"---\n{yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)}---"


def _results(figures: Figures, manifest: Facts, arm: str) -> list[dict[str, Any]]:
    asked: Facts = manifest.get("data") or {}
    metrics = [
        {"type": metric.partition(":")[0], "name": figures.view.label(metric), "value": round(value, 6)}
        for metric in _metrics(figures)
        if (value := figures.value(arm, metric)) is not None
    ]
    if not metrics:
        return []
    name = str(asked.get("name") or figures.aggregates.get("name") or "own documents")
    dataset = {"name": name, "type": name, "split": str(asked.get("part") or "test")}
    if asked.get("sha256"):
        dataset["revision"] = str(asked["sha256"])
    return [{"task": {"type": "text-generation", "name": figures.pack.title}, "dataset": dataset, "metrics": metrics}]


def _metrics(figures: Figures) -> list[str]:
    return list(dict.fromkeys((figures.primary, *figures.confirmatory)))


def _task(pack: Pack, section: str) -> str:
    """A section of the pack's task.md, its headings taken off."""
    found = re.search(rf"^##\s+{re.escape(section)}\s*$(.*?)(?=^##\s|\Z)", pack.task_md, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def _model(figures: Figures, facts: Facts, arm: str) -> str:
    kind = {"adapter": "A LoRA adapter", "base": "A base model", "endpoint": "A model behind an address",
            "imported": "Answers made elsewhere"}.get(str(facts.get("kind")), "An arm")  # fmt: skip
    lines = [f"- {kind}, in the evaluation `{_code(arm)}`."]
    if base := facts.get("base"):
        lines.append(f"- Base: {_line(str(base))}, SHA-256 `{_code(str(facts.get('base_sha256') or 'not known'))}`.")
    if facts.get("adapter_sha256"):
        lines.append(f"- Adapter SHA-256 `{_code(str(facts['adapter_sha256']))}`.")
    lines += [f"- {_line(line)}" for line in training_lines(facts.get("training") or {})]
    used = [f"{key} {facts[key]}" for key in ("dtype", "device", "how") if facts.get(key)]
    if used:
        lines.append(f"- Answered with {_line(', '.join(used))}.")
    return "\n".join(lines)


def _evaluated(figures: Figures, manifest: Facts) -> str:
    data: Facts = manifest.get("data") or {}
    name = f" of {_line(str(data['name']))}" if data.get("name") else ""
    part = f", part {_line(str(data['part']))}" if data.get("part") else ""
    return (
        f"On {figures.view.n_docs:,} documents{name}{part}. Answers that do not parse as they stand count as failures; "
        "nothing was repaired. Brackets are 95 % intervals."
    )


def _table(figures: Figures) -> str:
    """Every arm by every declared metric."""
    arms = figures.arms()
    rows = ["| | " + " | ".join(_cell(figures.label(arm)) for arm in arms) + " |", "|---|" + "---:|" * len(arms)]
    for metric in _metrics(figures):
        cells = [_figure(figures, arm, metric) for arm in arms]
        if any(cells):
            rows.append(f"| {_cell(figures.view.label(metric))} | " + " | ".join(cell or "–" for cell in cells) + " |")
    return "\n".join(rows) if len(rows) > 2 else "No figures."


def _figure(figures: Figures, arm: str, metric: str) -> str:
    if figures.measured(arm, metric) is None:
        return ""
    return f"{figures.said(arm, metric)} {figures.interval(arm, metric)}".strip()


def _gates(gates: Sequence[Any]) -> str:
    rows = [f"| {_cell(gate.title)} | {gate.verdict} | {_cell(gate.rule)} | {_cell(gate.why)} |"
            for gate in gates if gate.verdict != "not applicable" and gate.name != "reproducibility"]  # fmt: skip
    return "\n".join(["## Release gates", "", "| gate | verdict | rule | found |", "|---|---|---|---|", *rows])


def _failures(folder: Path, figures: Figures, arm: str) -> str:
    """The commonest error clusters of the arm's first answers."""
    if not (folder / GEN).is_file():
        return "Its answers are not at hand."
    errors = [str(error) for error in read_frame(folder, GEN, ["error"], {"arm": arm, "k": 0})["error"].fillna("")]
    counts = Counter(error for error in errors if error)
    if not counts:
        return f"No rule found a failure in {len(errors):,} answers."
    rows = [
        f"| {_cell(cluster_title(tag, figures.pack))} | {count:,} of {len(errors):,} ({percent(count, len(errors))}) | "
        f"{cluster_named(tag).owner} | {_cell(cluster_named(tag).recipe)} |"
        for tag, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_CLUSTERS]
    ]
    return "\n".join(["| what | answers | who can mend it | how |", "|---|---:|---|---|", *rows])


def _safety(figures: Figures, arm: str) -> str:
    lines: list[str] = []
    if figures.pack.answer.grounded and (value := figures.value(arm, "hallucinated_docs")) is not None:
        lines.append(
            f"Something that the text does not say stood in {percent(value)} of the answers that could be checked."
        )
    leaked = figures.value(arm, "prompt_leak")
    if leaked is not None:
        lines.append(f"{percent(leaked)} of the answers repeat their instructions.")
    lines.append("Texts can hold orders to a model. Treat every answer as unchecked text: escape it, and act on none.")
    return _list(lines)


def _receipt(manifest: Facts, figures: Figures) -> str:
    rows = [
        f"| {_cell(label)} | {_cell(text)} | {f'`{_code(digest)}`' if digest else ''} |"
        for label, text, digest in receipt(manifest, figures)
    ]
    return "\n".join(["| | | SHA-256 |", "|---|---|---|", *rows])


def _when(manifest: Facts) -> str:
    return _line(str(manifest.get("finished") or manifest.get("created") or "undated")[:10])


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_line(line)}" for line in lines)


def _line(text: str) -> str:
    """Text as one line of Markdown that is no markup, link or address: names of data and models are other people's."""
    line = re.sub(r"([\\`*_<>|#!])", r"\\\1", " ".join(text.split())).replace("://", ":&#47;/")
    return re.sub(r"\](?=[(\[:])", r"\\]", line)


def _cell(text: str) -> str:
    return _line(text)[:300]


def _code(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")
