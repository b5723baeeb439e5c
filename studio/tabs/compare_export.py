"""A comparison as a file: the whole record, its receipt, or one page that opens offline. Nothing is written on disk."""

import json
from collections.abc import Mapping
from typing import Any

from studio.deps import Deps
from studio.queries.differences import differences
from studio.queries.kept import kept
from studio.theme import export_css
from studio.views.export_html import export_page
from training.errors import InputError


def export(deps: Deps, session: str, comparison_id: str, kind: str) -> dict[str, str]:
    """name, mime and text of the file `kind` (json | receipt | page). InputError while a blind vote is open."""
    if not comparison_id:
        raise InputError("There is no comparison to save yet.", fix="Compare first.")
    shown = kept(deps, session, comparison_id)
    if shown.hidden:
        raise InputError("Names are still hidden.", fix="Vote or reveal the names first.")
    data = shown.data
    name = f"taste-test-{comparison_id}"
    if kind == "page":
        pack = deps.packs.get(data["task"])
        page = export_page(data, export_css(), pack, differences(data["arms"], data["gold"], pack) or None)
        return {"name": f"{name}.html", "mime": "text/html", "text": page}
    what = receipt_of(data) if kind == "receipt" else data
    suffix = "-receipt.json" if kind == "receipt" else ".json"
    return {"name": name + suffix, "mime": "application/json", "text": json.dumps(what, ensure_ascii=False, indent=2)}


def receipt_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """The receipt with what it belongs to: id, time, task, base, versions and the proof of each side."""
    generations = [arm["generation"] for arm in data["arms"]]
    proofs = {generation["arm"]["label"]: generation["proof"] for generation in generations}
    head = {key: data[key] for key in ("id", "created", "task", "base", "versions", "receipt")}
    return {**head, "proofs": proofs}
