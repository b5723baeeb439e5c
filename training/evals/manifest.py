"""manifest.json: what decided the figures of an evaluation, so that anybody can have them again or see why not.

    format, run, name, task, created, finished, seconds {phase: s}, rows (documents), samples, notices [text]
    data      kind, name, part, sha256 (of the documents that were asked), source_sha256 (of the file or version they
              are from), split_by (how a version was parted), limit, groups, slices {name: n}
    task_pack sha256 of its files, primary metric, metrics it is confirmed by
    decoding  sampling, seeds, batch_size
    arms      by name: kind, label, adapter, prompted, shots, constrained; of a model also base, base_sha256,
              adapter_sha256, adapter_bytes, how (beside or merged), device, dtype, parameters, shots_used
              {n: documents}, not_shown {document: why}; prompts_sha256 over the prompts of all documents; answers,
              missing, errors, truncated, finish_unknown (imported answers that did not say why they ended); of an
              adapter training, see
              training.evals.training_facts; of an endpoint cost
    shots     where the worked examples are from, and their hash
    noise     arm, rows, batch_sizes, share_different (of answers that differ), metric, mean_abs_difference of it
    latency   by arm, measured one document at a time: rows, batch_size 1, ttft_s {p50, p95}, s_per_doc {p50, p95},
              chars_per_s, prefill_tokens_per_s, tokens_per_s, docs_per_min, peak_memory_bytes (while the arm was timed,
              all that is loaded included), device
    scoring   documents, seconds, documents_per_s
    versions, machine, files {name: sha256}

Every path in it is a file's own name. Times are ISO 8601 UTC, sizes bytes.
"""

import hashlib
import json
import math
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from training.data.version_files import sha256_file
from training.disk import disk, read_object, write_whole
from training.evals.records import ANSWERS, GEN, ITEMS, MANIFEST, ROWS, SCORES, Answered
from training.task.pack import Pack

FORMAT = 1
VERSIONS = (
    "torch", "transformers", "peft", "tokenizers", "safetensors", "numpy", "scipy", "pyarrow", "rapidfuzz",
    "jsonschema", "json_repair", "llguidance",
)  # fmt: skip
Facts = dict[str, Any]


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    with disk("keep the manifest", folder):
        write_whole(folder / MANIFEST, json.dumps(facts, indent=1, ensure_ascii=True) + "\n")


def read_manifest(folder: Path) -> Facts:
    """What a folder's manifest says; {} where it has none that can be read."""
    return read_object(folder / MANIFEST)


def versions() -> dict[str, str]:
    """Of Python and of what decides an answer or a figure."""
    found = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """The kind of machine, never its name."""
    return {
        "system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count() or 1,
        "memory_bytes": psutil.virtual_memory().total,
    }  # fmt: skip


def pack_sha256(pack: Pack) -> str:
    """Over the files that decide a prompt or a score: task.yaml and the schema."""
    digest = hashlib.sha256()
    for name in ("task.yaml", "output_schema.json"):
        digest.update((pack.path / name).read_bytes())
    return digest.hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    names = (ROWS, ANSWERS, GEN, SCORES, ITEMS)
    return {name: sha256_file(folder / name) for name in names if (folder / name).is_file()}


def latency_facts(answers: Sequence[Answered], peak_memory_bytes: int | None, device: str) -> Facts:
    """Times of answers given one at a time, those that warmed up left out. {} without any."""
    timed = [answer for answer in answers if answer.gen_s and answer.ttft_s is not None and answer.finish != "error"]
    if not timed:
        return {}
    seconds = [answer.gen_s or 0.0 for answer in timed]
    total = sum(seconds)
    decoding = sum((a.gen_s or 0.0) - (a.ttft_s or 0.0) for a in timed)
    later = sum(max(0, a.new_tokens - 1) for a in timed)
    return {
        "rows": len(timed),
        "batch_size": 1,
        "ttft_s": _percentiles([answer.ttft_s or 0.0 for answer in timed]),
        "s_per_doc": _percentiles(seconds),
        "chars_per_s": round(sum(len(answer.raw) for answer in timed) / total, 2),
        "prefill_tokens_per_s": _prefill(timed),
        "tokens_per_s": round(later / decoding, 2) if decoding > 0 else None,
        "docs_per_min": round(60 * len(timed) / total, 2),
        "peak_memory_bytes": peak_memory_bytes,
        "device": device,
    }


def _prefill(timed: Sequence[Answered]) -> float | None:
    """Prompt tokens a second until the first new token, over all timed answers."""
    known = [(a.prompt_tokens, a.ttft_s) for a in timed if a.ttft_s and a.prompt_tokens]
    total = sum(seconds for _, seconds in known)
    return round(sum(tokens for tokens, _ in known) / total, 2) if total else None


def noise_facts(
    arm: str, pairs: Sequence[tuple[Answered, Answered]], metric: str, values: Iterable[tuple[float, float]], size: int
) -> Facts:
    """What another batch size changed: pairs of answers to one document, and of its primary metric where it has one."""
    if not pairs:
        return {}
    differences = [abs(a - b) for a, b in values]
    different = sum(a.raw != b.raw for a, b in pairs)
    return {
        "arm": arm,
        "rows": len(pairs),
        "batch_sizes": [size, pairs[0][1].batch_size],
        "share_different": different / len(pairs),
        "metric": metric,
        "mean_abs_difference": statistics.fmean(differences) if differences else None,
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    """The smallest values that at least half and 95 in 100 do not exceed: the quantile of every figure here, also of
    `latency_p50` and `latency_p95`. Nothing is drawn between two times that were measured."""
    ordered = sorted(values)
    return {
        name: round(ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)], 4)
        for name, share in (("p50", 0.5), ("p95", 0.95))
    }
