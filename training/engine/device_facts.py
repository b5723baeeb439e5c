"""What a model ran on and how much memory it took, in words and bytes for a record."""

import gc
import platform
import threading
from pathlib import Path

import psutil
import torch


def device_name(device: str) -> str:
    """The name of a loaded model's device: the GPU's, or the processor's with its cores."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{_processor()}, {threads} thread{'s' if threads > 1 else ''}"


class MemoryWatch:
    """The most bytes taken while it is open: on a GPU by tensors, else by this process (resident memory).

        with MemoryWatch(device) as watch: ...
        watch.peak

    Resident memory is looked at every `EVERY_S` seconds and at both ends, so that what others took before and gave back
    is not counted, as it would be in the process' high-water mark. Limits: all that is loaded counts, the weights and
    every adapter beside the one that answers; a peak shorter than `EVERY_S` may be missed.
    """

    EVERY_S = 0.02

    def __init__(self, device: str) -> None:
        self._device, self._over = device, threading.Event()
        self._process = psutil.Process()
        self.peak = 0

    def look(self) -> None:
        """Look now."""
        on_gpu = self._device.startswith("cuda")
        now = torch.cuda.max_memory_allocated(self._device) if on_gpu else self._process.memory_info().rss
        self.peak = max(self.peak, int(now))

    def __enter__(self) -> "MemoryWatch":
        gc.collect()
        if self._device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(self._device)
            return self
        self.look()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if not self._device.startswith("cuda"):
            self._thread.join()
        self.look()

    def _sample(self) -> None:
        while not self._over.wait(self.EVERY_S):
            self.look()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.machine()
