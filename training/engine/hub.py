"""Finds bases and adapters: shipped, in a user's home, made by a run there, in a folder, or on the hub. No torch.

A name is tried in that order; what a run made goes by the run's id, as soon as the run has ended. What is found is
checked here, before any weight is read: only safetensors are taken, a pickle is refused, a truncated file or an adapter
of another base is an error that says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from training.engine.adapter_files import AdapterFiles, check_adapter, same_base
from training.engine.api import AdapterInfo, BaseInfo, EngineSettings, Progress
from training.engine.download import WANTED, fetch_repo
from training.engine.hashes import hash_files, read_header
from training.engine.run_outputs import ADAPTER, MODEL, run_output, run_outputs
from training.errors import AdapterError, ModelError
from training.typed_path import typed_path

EMBEDDED = "crumb"
ON_ANOTHER = "trained on a 4-bit base, answers on the whole one"
PRESETS = (  # id, what people read, parameters in round numbers as published
    ("google/gemma-3-270m-it", "Gemma 3 270M IT", 268_000_000),
    ("Qwen/Qwen3-0.6B", "Qwen3 0.6B", 596_000_000),
    ("Qwen/Qwen3-1.7B", "Qwen3 1.7B", 1_720_000_000),
    ("meta-llama/Llama-3.2-1B-Instruct", "Llama 3.2 1B Instruct", 1_236_000_000),
    ("HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2 135M Instruct", 135_000_000),
    ("HuggingFaceTB/SmolLM2-360M-Instruct", "SmolLM2 360M Instruct", 362_000_000),
    ("distilbert/distilgpt2", "DistilGPT-2", 82_000_000),
)
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """A base folder that passed the checks. `parameters` counts stored weights, `weight_bytes` their files."""

    name: str
    folder: Path
    weights: tuple[Path, ...]
    parameters: int
    weight_bytes: int
    embedded: bool

    @property
    def sha256(self) -> str:
        return hash_files(self.weights)


def resolve_base(name: str, settings: EngineSettings, progress: Progress, revision: str = "") -> BaseFiles:
    """The base behind a name, downloaded if need be. ModelError says what is missing and what to do.

    `revision` is a commit of a repository on the hub, "" the newest; a folder has none and does not ask.
    """
    folder = base_folder(name, settings, progress, revision)
    return check_base(name, folder, embedded=_is_plain(name) and folder == settings.models / name)


def base_folder(
    name: str, settings: EngineSettings, progress: Progress, revision: str = "", wanted: Sequence[str] = WANTED
) -> Path:
    """The folder behind a base's name, not looked into. Of a repository on the hub only `wanted` is downloaded.

    ModelError where there is none, InputError for a name that can't even be looked for.
    """
    folder = typed_path(name, "base")
    for root in _roots(settings.models, settings.home, "models"):
        if _is_plain(name) and (root / name / "config.json").is_file():
            return root / name
    if _is_plain(name) and (made := run_output(settings.home, name, MODEL)) is not None:
        return made
    if _names_a_path(name, folder):
        if not settings.allow_paths:
            raise ModelError(f"{name} is a path; folders are closed here.", fix="Pick a model from the list.")
        return folder
    if not _HUB_ID.fullmatch(name):
        known = ", ".join(info.name for info in list_bases(settings) if info.embedded) or "none"
        raise ModelError(f"There is no base {name!r}.", fix=f"Embedded: {known}. Else give a folder or owner/name.")
    presets = {preset[0] for preset in PRESETS}
    if settings.hub == "none" or (settings.hub == "presets" and name not in presets):
        raise ModelError(f"{name} can't be loaded here; only listed models are.", fix="Pick a model from the list.")
    return fetch_repo(name, progress, ModelError, revision or None, wanted)


def resolve_adapter(name: str, settings: EngineSettings, base: BaseFiles, progress: Progress) -> AdapterFiles:
    """The folder behind an adapter's name, checked to be safe, whole and made for `base`. Raises AdapterError."""
    return check_adapter(name, adapter_folder(name, settings, progress), base.name, base.sha256)


def adapter_folder(name: str, settings: EngineSettings, progress: Progress) -> Path:
    """The folder behind an adapter's name, downloaded if need be, not looked into. Raises AdapterError, or InputError
    for a name that can't even be looked for."""
    folder = typed_path(name, "adapter")
    for root in _roots(settings.adapters, settings.home, "adapters"):
        if _is_plain(name) and (root / name).is_dir():
            return root / name
    if _is_plain(name) and (made := run_output(settings.home, name, ADAPTER)) is not None:
        return made
    if _names_a_path(name, folder):
        if not settings.allow_paths:
            raise AdapterError(f"{name} is a path; folders are closed here.", fix="Pick an adapter from the list.")
        return folder
    if not _HUB_ID.fullmatch(name):
        raise AdapterError(f"There is no adapter {name!r}.", fix="Name a listed adapter, a folder or owner/name.")
    if settings.hub != "any":
        raise AdapterError(f"{name} can't be loaded here; only listed adapters are.", fix="Pick one from the list.")
    return fetch_repo(name, progress, AdapterError)


def check_base(name: str, folder: Path, *, embedded: bool = False) -> BaseFiles:
    """Check that a folder holds a whole model in safetensors."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no model: config.json is missing.", fix="Give a Transformers model folder.")
    weights = tuple(sorted(folder.glob("*.safetensors")))
    if not weights:
        if any(path.suffix in _PICKLES for path in folder.iterdir()):
            raise ModelError(
                f"{name} has its weights as pickles, which can run code when opened.",
                fix="Convert them to safetensors, or pick a model that ships them.",
            )
        raise ModelError(f"{name} has no *.safetensors weights.", fix="Fetch the whole model folder again.")
    parameters = 0
    for path in weights:
        try:
            parameters += sum(tensor.numel for tensor in read_header(path).values())
        except ValueError as err:
            raise ModelError(f"{path} is damaged: {err}.", fix="Fetch the file again.") from err
    size = sum(path.stat().st_size for path in weights)
    return BaseFiles(name, folder, weights, parameters, size, embedded)


def list_bases(settings: EngineSettings) -> list[BaseInfo]:
    """Shipped bases first, then the user's own, those of runs, presets of the hub. A damaged folder is not listed."""
    found: list[BaseInfo] = []
    for root in _roots(settings.models, settings.home, "models"):
        folders = sorted(root.iterdir()) if root.is_dir() else []
        for folder in sorted(folders, key=lambda path: path.name != EMBEDDED):
            shipped = root == settings.models
            found += _base_info(
                folder.name, f"{folder.name} (ships with the studio)" if shipped else "", folder, shipped
            )
    for made in run_outputs(settings.home, MODEL):
        found += _base_info(made.run, made.label, made.folder, False)
    if settings.hub != "none":
        found += [BaseInfo(name, label, name, size, None, False) for name, label, size in PRESETS]
    return found


def list_adapters(base: str, settings: EngineSettings) -> list[AdapterInfo]:
    """Adapters in reach that name `base` as theirs. One that can't be used is listed with the reason as its note, and
    one that answers on its base held otherwise than it was trained on says so in its label."""
    found: list[AdapterInfo] = []
    for root in _roots(settings.adapters, settings.home, "adapters"):
        for folder in sorted(root.iterdir()) if root.is_dir() else []:
            if (folder / "adapter_config.json").is_file():
                found += _adapter_info(folder.name, folder.name, folder, base, settings)
    for made in run_outputs(settings.home, ADAPTER):
        if made.base is None or same_base(made.base, base):
            infos = _adapter_info(made.run, made.label, made.folder, base, settings)
            found += [replace(info, task=made.task) for info in infos]
    return found


def _base_info(name: str, label: str, folder: Path, embedded: bool) -> list[BaseInfo]:
    try:
        files = check_base(name, folder, embedded=embedded)
    except (ModelError, OSError):  # OSError: deleted since it was listed
        return []
    return [BaseInfo(name, label, str(folder), files.parameters, files.weight_bytes, embedded)]


def _adapter_info(name: str, label: str, folder: Path, base: str, settings: EngineSettings) -> list[AdapterInfo]:
    try:
        files = check_adapter(name, folder, None, None)
        size = files.weights.stat().st_size
    except AdapterError as err:
        return [AdapterInfo(name, label, str(folder), base, None, None, 0, str(err))]
    except OSError:  # deleted since it was listed
        return []
    if files.base is not None and not same_base(files.base, base):
        return []
    if files.four_bit and not settings.four_bit:
        label = f"{label} ({ON_ANOTHER})"
    return [AdapterInfo(name, label, str(folder), base, files.rank, files.task, size, files.note)]


def _roots(shipped: Path, home: Path | None, kind: str) -> list[Path]:
    return [shipped] if home is None else [shipped, home / kind]


def _is_plain(name: str) -> bool:
    return bool(name) and name not in (".", "..") and not set(name) & set("/\\\0")


def _names_a_path(name: str, folder: Path) -> bool:
    return name.startswith(("/", "./", "../", "~", ".\\")) or (bool(name) and "\0" not in name and folder.is_dir())
