"""Texts that a new dataset may be told never to repeat: what versions hold out and what evaluations asked."""

from studio.deps import Deps
from studio.queries import datasets, evaluations
from training.data.versions import LOCKED
from training.evals.records import ROWS


def protectable(deps: Deps, task: str) -> list[tuple[str, str]]:
    """(label, path) of a task's versions with held-out rows, then of its evaluations; () where paths are closed."""
    if not deps.settings.allow_paths:
        return []
    found, _ = datasets.versions(deps)
    held = [version for version in found if version.task == task and any(part in version.rows for part in LOCKED)]
    places = [(f"dataset {version.name}", version.folder) for version in held]
    for status in evaluations.statuses(deps):
        rows = evaluations.folder_of(deps, status.id) / ROWS
        if status.task == task and rows.is_file():
            places.append((f"evaluation {status.name or status.id}", rows))
    return [(label, str(path.absolute())) for label, path in places]
