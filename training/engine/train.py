"""Fine-tune a model as one frozen config says: `train(TrainJob(...), Hooks(...)) -> TrainResult`.

Promise: the same job on the same machine gives the same weights; stopped and resumed, or watched by samples, it gives
the very same ones; nothing of a row is cut; what is learnt from is checked before it is trusted. Limits: one process,
one device (the first CUDA GPU, else the CPU). Importing this module loads no torch.
"""

from training.engine.train_backends import choose_backend
from training.engine.train_job import Hooks, Row, SamplePrompt, TrainJob, TrainResult

__all__ = ["Hooks", "Row", "SamplePrompt", "TrainJob", "TrainResult", "train"]


def train(job: TrainJob, hooks: Hooks | None = None) -> TrainResult:
    """Run `job` to its end, or to the step at which `hooks.stop` says so.

    Raises InputError for settings or rows that can't work, ModelError for a base that can't be read and for a loss
    that is no number any more, OutOfMemoryError, and StorageError when the disk refuses. Whatever is raised, the last
    whole checkpoint is kept.
    """
    hooks = hooks or Hooks()
    hooks.phase("loading")
    backend = choose_backend(job.config)
    if backend.name == "unsloth":
        from training.engine.train_unsloth import wake

        wake()  # it wants to be imported before what it patches
    from training.engine.load import release_memory
    from training.engine.train_run import run

    try:
        return run(job, hooks, backend)
    finally:
        release_memory()  # who evaluates next in this process needs it
