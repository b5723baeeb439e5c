"""Builds and candidates as the Data tab shows them. Reads only; on a Space there are none."""

from studio.deps import Deps
from training.data.build_job import UNDER_WAY, JobStatus, list_jobs
from training.data.candidates import Candidate, list_candidates

__all__ = ["UNDER_WAY", "candidates", "latest"]


def latest(deps: Deps) -> JobStatus | None:
    """The build under way, else the one that ended last and was not dismissed; None without any."""
    if deps.settings.space:
        return None
    found = list_jobs(deps.settings.home)
    return next((job for job in found if job.state in UNDER_WAY), found[0] if found else None)


def candidates(deps: Deps, task: str) -> list[Candidate]:
    """Rows that were sent here for evaluation, of one task."""
    return [] if deps.settings.space else list_candidates(deps.settings.home, task)
