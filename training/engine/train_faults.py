"""A full memory or disk during training, as errors that say what to change."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from safetensors import SafetensorError

from training.engine.load import is_out_of_memory, release_memory
from training.engine.train_checkpoints import clear_unfinished
from training.engine.train_job import TrainJob
from training.errors import OutOfMemoryError, StorageError


@contextmanager
def said_by_the_machine(job: TrainJob) -> Iterator[None]:
    """A full memory or disk as errors for people; what a failed save left is removed, whole checkpoints stay."""
    try:
        yield
    except (OSError, RuntimeError, MemoryError, SafetensorError) as err:
        if is_out_of_memory(err):
            message = f"Memory ran out while training {job.base_name or job.base.name}."
        elif is_full_disk(err):
            clear_unfinished(job.checkpoints)
            raise StorageError(
                f"{job.out} refused what had to be saved: {err}.",
                fix="Free some disk space, then resume the run: its last checkpoint is kept.",
            ) from err
        else:
            raise
    else:
        return
    release_memory()  # after the except block: the traceback no longer holds the tensors
    config = job.config
    less = f"Lower batch_size from {config.batch_size} to {max(1, config.batch_size // 2)} and double grad_accumulation"
    fix = less if config.batch_size > 1 else f"Lower max_length from {config.max_length}, or rank from {config.rank}"
    raise OutOfMemoryError(message, fix=f"{fix}; or take a smaller base, or method qlora on a GPU.")


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_WORDS = ("pytorchstreamwriter failed", "inline_container", *(f"os error {number})" for number in _FULL))


def is_full_disk(err: BaseException) -> bool:
    """Whether an error means that nothing more can be written. torch and safetensors keep no errno, only words."""
    return (isinstance(err, OSError) and err.errno in _FULL) or any(words in str(err).lower() for words in _WORDS)
