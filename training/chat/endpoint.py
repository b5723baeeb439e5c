"""What an endpoint is asked for and on what terms: the part of a spec that a teacher and a judge of rows share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from training.chat.address import check_address
from training.chat.cost import Caps, Prices, check_caps
from training.chat.keys import find_key
from training.errors import DataError

KNOCK_S = 10.0  # how long an endpoint may take to be there


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """One model behind an OpenAI-compatible address. Raises DataError where it can't work.

    `key_env` names the variable (and the keyring entry) that holds the key, "" where none is wanted. `length_parameter`
    is the endpoint's name for `max_tokens`, the most tokens of one answer, thoughts included. `retries` are tries after
    the first, `timeout_s` is for one call. After `give_up_after` failed requests in a row nothing more is sent.
    `whose` says in messages what the endpoint is asked as.
    """

    base_url: str
    model: str
    key_env: str = ""
    concurrency: int = 4
    temperature: float = 0.0
    max_tokens: int = 1500
    length_parameter: str = "max_tokens"
    retries: int = 4
    timeout_s: float = 120.0
    prices: Prices = field(default_factory=Prices)
    caps: Caps = field(default_factory=Caps)
    give_up_after: int = 8

    whose: ClassVar[str] = "endpoint"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        "concurrency": (1, 64),
        "temperature": (0.0, 2.0),
        "max_tokens": (1, 200_000),
        "retries": (0, 20),
        "timeout_s": (0.01, 3600.0),
        "give_up_after": (1, 10_000),
    }

    def __post_init__(self) -> None:
        check_address(self.base_url, bool(self.key_env), self.whose)
        if not self.model.strip():
            raise DataError(
                f"The {self.whose} has no model.", fix="Give `model` the name that the endpoint knows it by."
            )
        if self.key_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", self.key_env):
            # Not shown: what stands there instead of a name may well be the key.
            raise DataError(
                "key_env is not the name of an environment variable.",
                fix=f"Write a name there, such as {self.whose.upper()}_API_KEY, and put the key into that variable.",
            )
        if self.length_parameter not in ("max_tokens", "max_completion_tokens"):
            raise DataError(
                f"length_parameter is {self.length_parameter!r}.", fix="Use max_tokens or max_completion_tokens."
            )
        for name, (least, most) in self.limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise DataError(f"{name} is {value}.", fix=f"Choose a number from {least} to {most}.")
        check_caps(self, self.whose)

    def params(self) -> dict[str, float | int]:
        """What is sent beside model and messages."""
        return {"temperature": self.temperature, self.length_parameter: self.max_tokens}


def reach(spec: EndpointSpec) -> None:
    """DataError where the endpoint can't be asked: its key is not there, or nothing answers at its address.

    It costs nothing: no model is named and no key is sent, and whatever the endpoint says to that is an answer.
    """
    import httpx

    find_key(spec.key_env, whose=spec.whose)
    try:
        httpx.get(spec.base_url, timeout=KNOCK_S, follow_redirects=False)
    except httpx.ReadTimeout:
        return  # somebody took the call
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise DataError(
            f"No endpoint answers at {spec.base_url}, the {spec.whose}'s address: {err or type(err).__name__}.",
            fix="Check the address and that the endpoint runs, then try again. Nothing was paid.",
        ) from err
