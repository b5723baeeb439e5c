"""The accelerator as the Compare engine shares it with runs: asked for before a model is put there, and given back.

Promise: no model of Compare is loaded on a device that runs train on while anybody else holds it, be it for the
preload, the first comparison, or one after a restart; what is refused says who has it and what to do. Whoever waits for
it gets it as soon as no answer is being written. Limits: runs train on CUDA or on the processor (see
training.engine.train_device), so models on other devices, such as Apple's GPU, ask nobody and are left alone.
"""

import threading
from pathlib import Path
from typing import Protocol

from training.engine.api import EngineStatus
from training.errors import BusyError, StudioError
from training.runs.directory import read_status, run_folder
from training.runs.lease import Holder, Lease

ENGINE = "the comparison model"
SHARED = frozenset({"cuda"})  # kinds of device that a run would train on
GIVING_S = 10.0  # that long another studio's idle model may take to give way


class Unloads(Protocol):
    """What is asked of the engine: how it stands, and its memory back."""

    def status(self) -> EngineStatus: ...
    def unload(self) -> None: ...


def is_shared(device: str) -> bool:
    """Whether runs would train on this device, given as torch writes it; false before one was chosen."""
    return device.partition(":")[0] in SHARED


class Sharing:
    """One studio's side of it. Safe from several threads."""

    def __init__(self, home: Path) -> None:
        self._home, self._lease = home, Lease(home)
        self._turn = threading.Lock()  # no claim comes between the look at an idle engine and the release
        self._asked = False

    def claim(self, device: str) -> None:
        """Have the accelerator before a model is put on `device`. BusyError where a run or somebody else has it."""
        if not is_shared(device):
            return
        self._asked = True
        if self._take():
            return
        holder = self._lease.holder()
        another_studio = holder is not None and holder.holder == ENGINE
        if not self._lease.acquire(ENGINE, "engine", GIVING_S if another_studio else 0.0):
            raise self._refused(self._lease.holder())

    def refusal(self) -> BusyError | None:
        """What a claim would be refused with, where a run has the accelerator; None before this studio first asked."""
        holder = self._lease.holder() if self._asked else None
        return self._refused(holder) if holder is not None and holder.kind == "run" else None

    def give_way(self, engine: Unloads) -> bool:
        """Keep the accelerator while a model is on it; leave it to whoever waits. True where a model was unloaded."""
        with self._turn:
            status = engine.status()
            if status.state != "idle" or self._released(status):
                return False
            if self._lease.wanted() is None and self._lease.acquire(ENGINE, "engine"):
                return False
        engine.unload()  # somebody waits for the memory, or has it already; outside the turn, as it waits for answers
        with self._turn:
            self._released(engine.status())  # but where another model has been claimed for meanwhile
        return True

    def _released(self, status: EngineStatus) -> bool:
        """Give the lease back where no model needs it; inside the turn."""
        if status.state != "idle" or (status.base is not None and is_shared(status.device)):
            return False
        self._lease.release()
        return True

    def release(self) -> None:
        """Hold it no more: the studio ends."""
        with self._turn:
            self._lease.release()

    def _take(self) -> bool:
        with self._turn:
            return self._lease.acquire(ENGINE, "engine")

    def _refused(self, holder: Holder | None) -> BusyError:
        if holder is None:
            return BusyError("Somebody else has just taken the GPU.", fix="Try again in a moment.")
        if holder.kind != "run":
            fix = "Wait until it is done, or close it."
            return BusyError(f"The GPU is taken: {holder.words} has it.", fix=fix)
        fix = "Wait for it, or stop it in Train: it saves and can be resumed."
        return BusyError(f"The run {holder.holder} has the GPU{self._at(holder.holder)}.", fix=fix)

    def _at(self, run: str) -> str:
        """How far a run is, as far as that can be read."""
        try:
            status = read_status(run_folder(self._home, run))
        except StudioError:  # its name is enough
            return ""
        return f" (step {status.step} of {status.steps})" if status.steps else ""
