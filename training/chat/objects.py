"""The JSON object that a model was asked for, out of what it answered, or the complaint that its writer is told."""

from collections.abc import Mapping
from typing import Any

from training.task.pack_schema import checker
from training.task.parse import parse
from training.task.records import FinishReason, Tier

_COMPLAINT_CHARS = 300


class Unusable(Exception):
    """An answer that can't be read; the message goes on from "it" or "at"."""


def read_object(
    text: str, schema: Mapping[str, Any], accept_repaired: bool = False, *, alone: bool = False
) -> tuple[dict[str, Any], str]:
    """(object, tier) of an answer, read strictly or with words around it; `alone`: with no second object beside it.

    Unusable where it is none or breaks the schema. A repaired one counts only where `accept_repaired` says so.
    """
    parsed = parse(text, FinishReason.STOP)
    counted = {Tier.STRICT, Tier.EXTRACTED} | ({Tier.REPAIRED} if accept_repaired else set())
    if parsed.object is None or parsed.tier not in counted:
        raise Unusable(f"it is no JSON object ({(parsed.error or 'nothing can be read')[:_COMPLAINT_CHARS]}).")
    if alone and parsed.n_objects != 1:
        raise Unusable(f"it holds {parsed.n_objects} JSON objects.")
    error = next(iter(sorted(checker(schema).iter_errors(parsed.object), key=lambda e: len(e.absolute_path))), None)
    if error is not None:
        at = "/".join(str(part) for part in error.absolute_path) or "the root"
        raise Unusable(f"at {at}, {error.message[:_COMPLAINT_CHARS]}.")
    return parsed.object, str(parsed.tier)
