"""Errors a person can act on. Everything else is a bug and keeps its traceback."""


class StudioError(Exception):
    """Base of the family. The message says what was given and why it can't work; `fix` says what to do next."""

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class PackError(StudioError):
    """A task pack can't be read: names the file and the key."""


class InputError(StudioError):
    """What a person pasted, dropped or typed can't be used."""


class FetchError(StudioError):
    """A URL was refused or could not be read."""


class ModelError(StudioError):
    """A base model can't be found, read or run."""


class AdapterError(StudioError):
    """An adapter can't be found, read or does not belong to the base."""


class OutOfMemoryError(StudioError):
    """The device has too little memory; the engine stays usable."""


class BusyError(StudioError):
    """Someone else holds the model and the wait was given up."""


class ProofError(StudioError):
    """The sides could not be proven right; nothing may be shown as a comparison."""


class StorageError(StudioError):
    """The disk or the index refused; what was on screen is still there."""


class DataError(StudioError):
    """A dataset's source, spec, rows or version can't be used."""


class RunError(StudioError):
    """A training run, its settings or its state allow no such thing."""
