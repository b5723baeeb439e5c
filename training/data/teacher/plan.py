"""What a teacher is: where it is, what it is asked for and what it may cost (see `training.chat.cost`)."""

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from training.chat.address import check_address
from training.chat.cost import Caps, Prices, check_caps
from training.errors import DataError

Policy = Literal["refuse", "review", "trim"]


@dataclass(frozen=True, slots=True)
class TeacherSpec:
    """One teacher and how it is asked. Raises DataError where it can't work.

    `key_env` names the variable (and the keyring entry) that holds the key, "" where none is wanted. `length_parameter`
    is the endpoint's name for `max_tokens`, the most tokens of one answer, thoughts included. `retries` are tries after
    the first, `timeout_s` is for one call. `policy` says what becomes of a row whose gold holds what its text does not.
    `styles` () are all that the task's prompts know; `posts_per_row` of them are drawn for each source row. After
    `give_up_after` failed requests in a row nothing more is sent.
    """

    base_url: str
    model: str
    key_env: str = ""
    concurrency: int = 4
    temperature: float = 0.8
    max_tokens: int = 1500
    length_parameter: str = "max_tokens"
    retries: int = 4
    timeout_s: float = 120.0
    prices: Prices = field(default_factory=Prices)
    caps: Caps = field(default_factory=Caps)
    policy: Policy = "refuse"
    styles: tuple[str, ...] = ()
    posts_per_row: int = 1
    seed: int = 7
    give_up_after: int = 8

    def __post_init__(self) -> None:
        check_address(self.base_url, bool(self.key_env))
        if not self.model.strip():
            raise DataError("The teacher has no model.", fix="Give `model` the name that the endpoint knows it by.")
        if self.key_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", self.key_env):
            # Not shown: what stands there instead of a name may well be the key.
            raise DataError(
                "key_env is not the name of an environment variable.",
                fix="Write a name there, such as TEACHER_API_KEY, and put the key into that variable.",
            )
        if self.policy not in get_args(Policy):
            raise DataError(f"The policy {self.policy!r} is unknown.", fix=f"Use one of {', '.join(get_args(Policy))}.")
        if self.length_parameter not in ("max_tokens", "max_completion_tokens"):
            raise DataError(
                f"length_parameter is {self.length_parameter!r}.", fix="Use max_tokens or max_completion_tokens."
            )
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise DataError(f"{name} is {value}.", fix=f"Choose a number from {least} to {most}.")
        check_caps(self)

    def params(self) -> dict[str, float | int]:
        """What is sent beside model and messages."""
        return {"temperature": self.temperature, self.length_parameter: self.max_tokens}


_LIMITS: dict[str, tuple[float, float]] = {
    "concurrency": (1, 64),
    "temperature": (0.0, 2.0),
    "max_tokens": (1, 200_000),
    "retries": (0, 20),
    "timeout_s": (0.01, 3600.0),
    "posts_per_row": (1, 100),
    "give_up_after": (1, 10_000),
}
