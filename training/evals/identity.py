"""What an arm's answers depend on, as one hash: so that answers kept from before are taken over or asked again.

Promise: weights, prompts, documents, examples and decoding all stand in the hash; the files are read, no model is
loaded. asked.json keeps by arm the hash and what was learnt while it answered. Limits: what a hub or an endpoint calls
by the same name is taken to be the same; of the machine only the numbers' type is looked at.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from training.data.rows import canonical
from training.disk import disk, write_whole
from training.evals.arms import Plan, Shot
from training.evals.records import EvalArm
from training.evals.training_facts import training_facts
from training.task.pack import Pack
from training.task.records import sha256_text, to_json

ASKED = "asked.json"


@dataclass(slots=True)
class Facts:
    """What is known of an arm that a model answers. `key` is the hash; `shots_of` says by document how many worked
    examples its prompt held, `not_shown` why a document was not asked."""

    key: str = ""
    base: str = ""
    base_sha256: str = ""
    adapter_sha256: str = ""
    adapter_bytes: int = 0
    how: str = ""
    device: str = ""
    device_name: str = ""
    dtype: str = ""
    parameters: int = 0
    peak_memory_bytes: int | None = None
    shots_of: dict[str, int] = field(default_factory=dict[str, int])
    not_shown: dict[str, str] = field(default_factory=dict[str, str])
    cost: dict[str, Any] = field(default_factory=dict[str, Any])
    training: dict[str, Any] = field(default_factory=dict[str, Any])


def identify(plan: Plan, home: Path, rows_sha256: str, shots: Sequence[Shot]) -> dict[str, Facts]:
    """The facts of every arm that a model answers, before anybody is asked; the weights' files are hashed.

    Raises ModelError, AdapterError or DataError for a base, an adapter or an address that is not there.
    """
    shared = {"rows": rows_sha256, "pack": _pack_parts(plan.pack), "batch_size": plan.job.batch_size}
    found: dict[str, Facts] = {}
    local = plan.of("base", "adapter")
    if local:
        from training.engine.hashes import hash_files

        base, base_sha256, folders = _weights(plan, home, local)
        for arm in local:
            files = _adapter_files(folders[arm.adapter]) if arm.adapter is not None else []
            adapter = hash_files(files) if arm.adapter is not None else ""
            facts = Facts(base=base, base_sha256=base_sha256, adapter_sha256=adapter)
            facts.adapter_bytes = sum(file.stat().st_size for file in files)
            facts.key = _key({**shared, **_arm_parts(arm, shots), "base": base_sha256, "adapter": adapter})
            facts.training = training_facts(folders[arm.adapter]) if arm.adapter is not None else {}
            found[arm.name] = facts
    for arm in plan.of("endpoint"):
        from training.evals.endpoint import arm_spec

        spec = arm_spec(arm.name, plan.job)
        facts = Facts(base=spec.model)
        facts.key = _key({**shared, **_arm_parts(arm, shots), "model": spec.model, "address": spec.base_url})
        found[arm.name] = facts
    return found


def read_asked(folder: Path) -> dict[str, Facts]:
    """What a folder keeps of its arms; {} where it keeps nothing that can be read."""
    try:
        values: Mapping[str, Mapping[str, Any]] = json.loads((folder / ASKED).read_text("utf-8"))
        known = {f.name for f in fields(Facts)}
        return {name: Facts(**{k: v for k, v in kept.items() if k in known}) for name, kept in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_asked(folder: Path, facts: Mapping[str, Facts]) -> None:
    with disk("keep what is known of the arms", folder):
        write_whole(folder / ASKED, json.dumps({name: asdict(found) for name, found in facts.items()}, indent=1))


def _weights(plan: Plan, home: Path, arms: Sequence[EvalArm]) -> tuple[str, str, dict[str, Path]]:
    """(the base's name, its hash, the folder of each adapter)."""
    from training.engine.api import EngineSettings
    from training.engine.eval_prompts import base_for
    from training.engine.hub import adapter_folder, resolve_base

    settings = EngineSettings(home=home)
    adapters = list(dict.fromkeys(arm.adapter for arm in arms if arm.adapter is not None))
    folders = {name: adapter_folder(name, settings, lambda *_: None) for name in adapters}
    name = base_for(plan.job.base, adapters, settings, lambda *_: None)
    return name, resolve_base(name, settings, lambda *_: None).sha256, folders


def _adapter_files(folder: Path) -> list[Path]:
    from training.engine.adapter_files import CONFIG, WEIGHTS

    return [path for path in (folder / CONFIG, folder / WEIGHTS) if path.is_file()]


def _pack_parts(pack: Pack) -> dict[str, Any]:
    """What of a pack decides a prompt or where an answer ends; whether the schema holds it is the arm's part."""
    sampling = {key: value for key, value in to_json(pack.sampling).items() if key != "constrained"}
    return {
        "system": pack.system, "user": pack.user, "prompted_user": pack.prompted_user, "schema": pack.schema,
        "sampling": sampling, "answer": to_json(pack.answer), "context": repr(pack.context),
    }  # fmt: skip


def _arm_parts(arm: EvalArm, shots: Sequence[Shot]) -> dict[str, Any]:
    heat = {} if arm.temperature is None else {"temperature": arm.temperature}
    return heat | {
        "prompted": arm.prompted, "constrained": arm.constrained, "shots": list(shots[: arm.shots]),
        "adapter_name": arm.adapter, "kind": arm.kind,
    }  # fmt: skip


def _key(parts: Mapping[str, Any]) -> str:
    return sha256_text(canonical(parts))
