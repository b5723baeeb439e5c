"""Score an evaluation again from its own frames, with no model: after a metric was added, or mended.

    python -m training.evals.rescore DIR [DIR ...]

The answers of gen.parquet are read, parsed and scored anew by today's code; what only the models' run could tell
(times, tokens, bits, runs of the training rows' words) is taken over from scores.parquet. Then gen, scores, items,
aggregates, summary and card are written anew, the report where there was one, and the manifest's hashes. Limit: every
answer is in memory at once.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.errors import DataError, StudioError
from training.evals.aggregate import aggregate
from training.evals.data import read_rows
from training.evals.frames import read_frame, write_frames
from training.evals.manifest import file_hashes, read_manifest, write_manifest
from training.evals.records import GEN, JOB, REPORT, ROWS, SCORES, Answered, EvalRow
from training.evals.summary import write_summary
from training.task.pack import BUILTIN, Pack, find_packs, pack_named
from training.task.records import Score

TAKEN_OVER = ("latency_s", "ttft_s", "prefill_tokens_per_s", "tokens_per_s", "chars_per_s", "new_tokens",
              "bits_per_byte", "copied", "copied_longest")  # fmt: skip
COLUMNS = ("arm", "doc", "k", "raw", "finish", "prompt_sha256", "prompt_tokens", "new_tokens", "shown_share", "ttft_s",
           "gen_s", "batch_size")  # fmt: skip
Place = tuple[str, str, int]  # arm, document, sample


def rescore(folder: Path, pack: Pack) -> Mapping[str, Any]:
    """Do it, in the folder; returns the summary. DataError where its documents or its frames are not there."""
    if not (folder / ROWS).is_file():
        raise DataError(f"{folder} has no {ROWS}.", fix="Give the folder of a finished evaluation.")
    answers, extra = _answers(folder), _extra(folder)

    def given(row: EvalRow) -> Sequence[Answered]:
        return answers[row.id]

    def known(answer: Answered) -> Sequence[Score]:
        return extra[(answer.arm, answer.doc, answer.k)]

    write_frames(pack, read_rows(folder / ROWS), given, folder, None, known)
    summary = write_summary(folder, aggregate(folder, pack))
    facts = read_manifest(folder)
    if facts:
        write_manifest(folder, {**facts, "files": {**(facts.get("files") or {}), **file_hashes(folder)}})
    _pages(folder, pack)
    return summary


def _pages(folder: Path, pack: Pack) -> None:
    from training.evals.card import write_card
    from training.evals.report import write_report

    write_card(folder, pack)
    if (folder / REPORT).is_file():
        write_report(folder, pack)


def _answers(folder: Path) -> dict[str, list[Answered]]:
    """By document its answers, arms in the order of the frame."""
    unknown = _unknown_ends(folder)
    found: dict[str, list[Answered]] = defaultdict(list)
    for values in _rows(read_frame(folder, GEN, COLUMNS)):
        place = (str(values["arm"]), str(values["doc"]), int(values["k"]))
        sizes = {name: int(values[name] or 0) for name in ("prompt_tokens", "new_tokens", "batch_size")}
        times = {name: values[name] for name in ("shown_share", "ttft_s", "gen_s")}
        found[place[1]].append(
            Answered(*place, values["raw"] or "", values["finish"], values["prompt_sha256"] or "", **sizes, **times,
                     finish_known=place not in unknown)
        )  # fmt: skip
    return found


def _rows(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame with None where it has no value."""
    frame = frame.astype(object)
    return frame.where(frame.notna(), None).to_dict("records")


def _unknown_ends(folder: Path) -> set[Place]:
    """Answers that nobody said the end of: whether the budget cut them off was not scored."""
    told = _places(read_frame(folder, SCORES, ["arm", "doc", "k"], {"metric": "truncated", "tier": "strict"}))
    return _places(read_frame(folder, GEN, ["arm", "doc", "k"])) - told


def _places(frame: Any) -> set[Place]:
    return {(str(row.arm), str(row.doc), int(row.k)) for row in frame.itertuples(index=False)}


def _extra(folder: Path) -> dict[Place, list[Score]]:
    """What is taken over, by answer."""
    columns = ["arm", "doc", "k", "metric", "value", "n", "status"]
    found: dict[Place, list[Score]] = defaultdict(list)
    for row in _rows(read_frame(folder, SCORES, columns, {"metric": list(TAKEN_OVER), "tier": "strict"})):
        score = Score(str(row["metric"]), row["value"], status=str(row["status"]), n=row["n"])
        found[(str(row["arm"]), str(row["doc"]), int(row["k"]))].append(score)
    return found


def main(folders: Sequence[str]) -> int:
    for name in folders:
        folder = Path(name)
        try:
            task = str(json.loads((folder / JOB).read_text("utf-8"))["task"])
            rescore(folder, pack_named(task, find_packs(BUILTIN)))
        except (OSError, ValueError, KeyError) as error:
            sys.stderr.write(f"{folder} is no evaluation: {error}.\n")
            return 2
        except StudioError as error:
            sys.stderr.write(f"{error} {error.fix}\n")
            return 2
        sys.stdout.write(f"{folder}: scored again.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
