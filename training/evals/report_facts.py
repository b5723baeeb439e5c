"""What a report and a model card say beside the figures: the limits of an evaluation, and its receipt.

Limits are computed from the records, each with its number; nothing is promised that no record stands behind. The
receipt is what somebody needs to have the same figures again: hashes, versions, decoding, seeds, the machine's kind.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from training.evals.charts.view import number
from training.evals.charts.words import and_words, num, plural
from training.evals.figures import Figures
from training.evals.verdict import noise_words

Facts = Mapping[str, Any]
COUNTED = {
    "missing": "had no answer and count as failures",
    "errors": "failed in the machinery and count for nothing",
    "finish_unknown": "did not say why they ended",
}
FEW_GROUPS = 20


def limits(figures: Figures, manifest: Facts) -> tuple[str, ...]:
    """What these figures do not say, a sentence each, the weightiest first."""
    return tuple(
        " ".join(line.split())
        for part in (_documents, _leaks, _interval, _metrics, _arms, _machine, _judged)
        for line in part(figures, manifest)
    )


def _documents(figures: Figures, manifest: Facts) -> Iterator[str]:
    n = figures.view.n_docs
    data: Facts = manifest.get("data") or {}
    groups = int(number(data.get("groups")) or 0)
    beside = f" in {groups:,} groups" if groups and groups < n else ""
    where = f" from {data['name']}" if data.get("name") else ""
    part = f", part {data['part']}" if data.get("part") else ""
    yield f"It speaks of {plural(n, 'document')}{where}{part}{beside}; on texts of another kind figures may differ."
    if data.get("limit"):
        yield f"Only the first {int(data['limit']):,} documents were asked."
    if 0 < groups < FEW_GROUPS:
        yield f"Documents of one group are alike, and there are only {groups:,} groups: intervals are rough."


def _leaks(figures: Figures, manifest: Facts) -> Iterator[str]:
    if figures.unlooked:
        yield figures.unlooked


def _interval(figures: Figures, manifest: Facts) -> Iterator[str]:
    main = figures.pairs.get(figures.deciding) or {}
    if found := number(main.get("detectable")):
        yield (
            f"So many documents show a difference of {num(found)} in {figures.name(figures.deciding)} four times in "
            "five; a smaller one can be there unseen."
        )
    if note := str(main.get("note") or ""):
        yield f"{note[:1].upper()}{note[1:].rstrip('.')}."
    if told := noise_words(manifest.get("noise") or {}, figures.name):
        yield told
    if figures.slices:
        yield "Figures by slice are exploratory: with many slices one is far off by chance."
    if int(number(figures.aggregates.get("samples")) or 1) == 1:
        yield "Each document was asked once."


def _metrics(figures: Figures, manifest: Facts) -> Iterator[str]:
    if figures.pack.answer.grounded:
        yield (
            "Whether something is made up is judged by words and numbers of the text, not by meaning: a true sentence "
            "in other words counts as made up."
        )
    else:
        yield "No answer is the only right one: figures tell form and agreement with one of many, not quality."
    yield "Answers are compared with right answers that may have faults of their own."


def _arms(figures: Figures, manifest: Facts) -> Iterator[str]:
    labels = {arm: figures.label(arm) for arm in figures.pair or ()}
    for arm, label in labels.items():
        facts: Facts = (manifest.get("arms") or {}).get(arm) or {}
        for key, words in COUNTED.items():
            if count := int(number(facts.get(key)) or 0):
                yield f"{label}: {plural(count, 'document')} {words}."
        if hidden := facts.get("not_shown"):
            yield f"{label}: {plural(len(hidden), 'document')} did not fit into its prompt."
        if facts.get("kind") == "imported":
            yield f"{label}: its answers were made elsewhere; its prompt and its decoding are not known here."
    bases = figures.arms("base")
    if figures.pair and figures.pair[0] in bases and len(bases) == 1:
        yield f"Only one untuned arm was asked ({labels[figures.pair[0]]}): a better prompt may do better."


def _machine(figures: Figures, manifest: Facts) -> Iterator[str]:
    if figures.speed is None:
        yield "Speed was not measured."
    elif device := str(manifest.get("device") or ""):
        yield f"Speed is that of {device}, one document at a time."


def _judged(figures: Figures, manifest: Facts) -> Iterator[str]:
    table = figures.view.table("judge")
    if not table.get("run"):
        yield "No judge was asked: every figure here is made by rules."
    elif not table.get("calibrated"):
        yield f"The judge ({table.get('judge')}) is uncalibrated: its scores are an opinion, and decide nothing."


def receipt(manifest: Facts, figures: Figures) -> list[tuple[str, str, str]]:
    """Rows of (label, text, hash): what was asked, of whom, how, with which versions; a hash in full, "" for none."""
    data, pack = manifest.get("data") or {}, manifest.get("task_pack") or {}
    documents = f"{figures.view.n_docs:,} {data.get('name') or ''} {data.get('part') or ''}"
    rows = [
        ("Evaluation", str(manifest.get("run") or figures.aggregates.get("name") or ""), ""),
        ("Made", str(manifest.get("finished") or manifest.get("created") or ""), ""),
        ("Documents", documents, str(data.get("sha256") or "")),
        ("Task", figures.pack.name, str(pack.get("sha256") or "")),
    ]
    for arm, facts in (manifest.get("arms") or {}).items():
        rows += _arm_rows(figures.label(arm), facts)
    rows += [
        ("Decoding", _decoding(manifest), ""),
        ("Versions", _pairs(manifest.get("versions") or {}), ""),
        ("Machine", "; ".join(filter(None, [str(manifest.get("device") or ""), _machine_words(manifest)])), ""),
    ]
    rows += [(name, "", str(digest)) for name, digest in (manifest.get("files") or {}).items()]
    return [(label, " ".join(text.split()), digest) for label, text, digest in rows if text.strip() or digest]


def _arm_rows(label: str, facts: Facts) -> list[tuple[str, str, str]]:
    names = {"base_sha256": str(facts.get("base") or "base"), "adapter_sha256": str(facts.get("adapter") or "adapter"),
             "prompts_sha256": "its prompts"}  # fmt: skip
    size = number(facts.get("adapter_bytes"))
    if size:
        names["adapter_sha256"] += f", {size / 1e6:.1f} MB"
    return [(label, words, str(facts[key])) for key, words in names.items() if facts.get(key)]


def _decoding(manifest: Facts) -> str:
    found: Facts = manifest.get("decoding") or {}
    sampling = _pairs(found.get("sampling") or {})
    seeds = and_words([str(seed) for seed in found.get("seeds") or manifest.get("seeds") or ()])
    batch = f"batches of {found['batch_size']}" if found.get("batch_size") else ""
    return "; ".join(filter(None, [sampling, f"seeds {seeds}" if seeds else "", batch]))


def _machine_words(manifest: Facts) -> str:
    found: Facts = manifest.get("machine") or {}
    memory = number(found.get("memory_bytes"))
    words = [str(found.get("system") or ""), str(found.get("architecture") or "")]
    words += [f"{found['cores']} cores"] if found.get("cores") else []
    words += [f"{memory / 1e9:.0f} GB"] if memory else []
    return " ".join(filter(None, words))


def _pairs(values: Facts) -> str:
    return ", ".join(
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items()
    )
