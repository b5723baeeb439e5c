"""Who judges and how: settings with every default stated once, and presets of endpoints.

The settings hold the name of the variable with the key, never the key. Money is tokens times the prices a person
gives; without prices it is unknown, and a cap in money is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from training.chat.address import at_home, check_address
from training.chat.cost import Caps, Prices, check_caps
from training.errors import InputError
from training.evals.judge.rubric import FOLDER
from training.task.yamlfile import read_yaml

JsonMode = Literal["none", "object", "schema"]
PRESETS = FOLDER / "presets"
_LIMITS: dict[str, tuple[float, float]] = {
    "temperature": (0.0, 2.0), "max_tokens": (16, 200_000), "concurrency": (1, 64), "retries": (0, 20),
    "timeout_s": (0.01, 3600.0), "limit": (0, 10_000_000), "repeats": (1, 20), "give_up_after": (1, 10_000),
    "none_usable": (1, 10_000), "calibration_docs": (1, 1000),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """One judge and what it is asked. InputError or DataError where it can't work.

    `key_env` "" where no key is wanted. `json_mode`: what of response_format the endpoint understands: none, object
    (any JSON) or schema. `seed` None where none is offered. `retries` are tries after the first, for transport;
    `timeout_s` is for one call. `extra` goes into the request as it is.

    `arms` () are all arms of the evaluation; `pairs` are compared side by side as well. `limit` documents are drawn,
    0 takes all, the same ones for every arm, by slice, with `sample_seed`. `reference` shows the gold. `repaired`
    judges repaired answers too, as arms of their own. `accept_repaired` reads verdicts through a JSON repair, counted
    as such.
    `gold_models` are the models that wrote golds or texts: a judge of the same family is told as such. After
    `give_up_after` calls in a row that failed, or when none of the first `none_usable` verdicts could be read, nothing
    more is sent. `calibration_docs` documents are damaged, repeated and turned around for the calibration.
    """

    base_url: str
    model: str
    key_env: str = ""
    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int = 2000
    length_parameter: str = "max_tokens"
    json_mode: JsonMode = "none"
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    concurrency: int = 4
    retries: int = 4
    timeout_s: float = 120.0
    prices: Prices = field(default_factory=Prices)
    caps: Caps = field(default_factory=Caps)
    arms: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    limit: int = 0
    sample_seed: int = 7
    repeats: int = 1
    reference: bool = True
    repaired: bool = False
    accept_repaired: bool = False
    gold_models: tuple[str, ...] = ()
    give_up_after: int = 8
    none_usable: int = 20
    calibration_docs: int = 30

    def __post_init__(self) -> None:
        check_address(self.base_url, bool(self.key_env), "judge")
        if not self.model.strip():
            raise InputError("The judge has no model.", fix="Name it with --model, as the endpoint knows it.")
        if self.key_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", self.key_env):
            raise InputError(  # what stands there instead of a name may well be the key: not shown
                "What was given as the key's variable is no name of a variable.",
                fix="Give a name such as JUDGE_API_KEY, and put the key into that variable.",
            )
        for name, known in (("json_mode", get_args(JsonMode)), ("length_parameter", _LENGTHS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is {getattr(self, name)!r}.", fix=f"Use one of: {', '.join(known)}.")
        for name, (least, most) in _LIMITS.items():
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{name} is {getattr(self, name)}.", fix=f"Choose a number from {least} to {most}.")
        for a, b in self.pairs:
            if a == b:
                raise InputError(f"{a} can't be compared with itself.", fix="Name two arms with --pairwise A,B.")
        check_caps(self, "judge")

    @property
    def local(self) -> bool:
        """Whether the endpoint is on this machine or in the same network."""
        return at_home(urlsplit(self.base_url).hostname or "")

    def params(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """What is sent beside model and messages. No tools, ever."""
        sent: dict[str, Any] = {"temperature": self.temperature, self.length_parameter: self.max_tokens}
        if self.seed is not None:
            sent["seed"] = self.seed
        if self.json_mode == "object":
            sent["response_format"] = {"type": "json_object"}
        if self.json_mode == "schema":
            form = {"name": "verdict", "schema": dict(schema)}
            sent["response_format"] = {"type": "json_schema", "json_schema": form}
        return sent | dict(self.extra)


_LENGTHS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Preset:
    """An endpoint by name. `values` are fields of JudgeSettings; a model of "" is for a person to name."""

    name: str
    title: str
    when: str
    values: Mapping[str, Any]


def find_presets(folder: Path = PRESETS) -> dict[str, Preset]:
    """Every preset in its order. PackError names file and key of one that is broken."""
    found: list[tuple[int, Preset]] = []
    for file in sorted(folder.glob("*.yaml")):
        root = read_yaml(file)
        order, title, when = root.take("order", int), root.take("title", str), root.take("when", str)
        values: dict[str, Any] = {"base_url": root.take("base_url", str), "model": root.take("model", str)}
        kinds = {"key_env": str, "json_mode": str, "seed": int, "concurrency": int, "timeout_s": float, "extra": dict}
        values |= {key: root.take(key, kind) for key, kind in kinds.items() if root.has(key)}
        root.finish()
        found.append((order, Preset(file.stem, title, when, values)))
    return {preset.name: preset for _, preset in sorted(found, key=lambda item: (item[0], item[1].name))}


def settings_from(preset: str = "", **given: Any) -> JudgeSettings:
    """Settings from a preset and what was given beside it; what is None was not given. InputError for what lacks."""
    presets = find_presets()
    if preset and preset not in presets:
        raise InputError(f"There is no judge preset {preset!r}.", fix=f"Use one of: {', '.join(presets)}.")
    values = dict(presets[preset].values) if preset else {}
    values |= {key: value for key, value in given.items() if value is not None}
    if not values.get("base_url"):
        known = ", ".join(presets)
        raise InputError("No judge was named.", fix=f"Give --endpoint URL and --model NAME, or --preset: {known}.")
    return JudgeSettings(**{"model": "", **values})


def with_cap(settings: JudgeSettings, money: float | None) -> JudgeSettings:
    """The settings with a cap in money, None for none."""
    return settings if money is None else replace(settings, caps=replace(settings.caps, money=money))
