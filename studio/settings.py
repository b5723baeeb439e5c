"""What this process may do: at home for one person, or on a Space for strangers. Decided once, at start.

Promise: a `Settings` that could expose the studio to others without a login can't be built. Limits are counts,
characters or seconds as their names say; 0 never means "no limit".
"""

import argparse
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.errors import InputError

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
PORT_VARIABLE = "GRADIO_SERVER_PORT"  # Gradio itself reads it at home too
UPLOAD_SUFFIXES = (".txt", ".md", ".html", ".htm")


@dataclass(frozen=True, slots=True)
class Settings:
    """`space` is True on a Hugging Face Space; the rest follows from it and from the flags (see `home` and `space`).

    `zero_gpu`: its GPU is lent to single calls (ZeroGPU), so models stay on the CPU. `four_bit` None: only where a base
    would not fit otherwise.
    """

    space: bool
    home: Path
    host: str
    port: int | None
    share: bool
    auth: tuple[str, str] | None
    open_browser: bool
    allow_url: bool
    allow_paths: bool
    keep_history: bool
    max_arms: int
    max_new_tokens: int
    max_waiting: int
    max_run_s: float
    max_upload_bytes: int
    max_body_bytes: int
    hosts: tuple[str, ...]
    zero_gpu: bool = False
    four_bit: bool | None = None


def is_loopback(host: str) -> bool:
    """True for localhost and addresses that only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def parse_auth(given: str | None) -> tuple[str, str] | None:
    """`USER:PASS` as a pair. InputError where either half is missing."""
    if given is None:
        return None
    user, colon, password = given.partition(":")
    if not (user and colon and password):
        raise InputError("--auth needs a user and a password.", fix="Write it as --auth USER:PASS.")
    return user, password


def check_port(port: int | None, named: str) -> int | None:
    """The port, which `named` gave. InputError where there is none of that number."""
    if port is not None and not 1 <= port <= 65535:
        raise InputError(f"{named} is {port}.", fix="Give a whole number from 1 to 65535, or leave it out.")
    return port


def port_of(env: Mapping[str, str]) -> int | None:
    """The port that the environment names to Gradio, None where it names none. InputError for what is no port."""
    given = env.get(PORT_VARIABLE, "").strip()
    if PORT_VARIABLE not in env:
        return None
    if not (given.isascii() and given.isdigit()):
        raise InputError(
            f"{PORT_VARIABLE} is {env[PORT_VARIABLE]!r}.",
            fix="Set it to a whole number from 1 to 65535, or unset it.",
        )
    return check_port(int(given), PORT_VARIABLE)


def at_home(flags: argparse.Namespace, home: Path) -> Settings:
    """Settings for one person's own machine. InputError where others could get in without a login."""
    auth = parse_auth(flags.auth)
    if flags.share and auth is None:
        raise InputError(
            "A share link lets anyone who has it use this machine, and no login is set.",
            fix="Add --auth USER:PASS, or leave --share out.",
        )
    if not is_loopback(flags.host) and auth is None:
        raise InputError(
            f"--host {flags.host} opens the studio to the network, and no login is set.",
            fix="Add --auth USER:PASS, or keep the default host 127.0.0.1.",
        )
    alone = is_loopback(flags.host) and not flags.share  # nobody but this machine's person reaches it
    others = () if is_loopback(flags.host) else (("*",) if flags.host in ("0.0.0.0", "::") else (flags.host,))
    return Settings(
        space=False,
        home=home,
        host=flags.host,
        port=check_port(flags.port, "--port"),
        share=flags.share,
        auth=auth,
        open_browser=not flags.no_browser,
        allow_url=alone,
        allow_paths=alone,
        keep_history=True,
        max_arms=4,
        max_new_tokens=4096,
        max_waiting=8,
        max_run_s=3600.0,
        max_upload_bytes=8_000_000,
        max_body_bytes=16_000_000,
        hosts=LOOPBACK_NAMES + others + (("*.gradio.live",) if flags.share else ()),
        four_bit=True if flags.four_bit else None,
    )


def on_space(env: Mapping[str, str], home: Path) -> Settings:
    """Settings for a public Space: nothing fetched, nothing kept, everything bounded."""
    own = env.get("SPACE_HOST", "").strip().lower()
    return Settings(
        space=True,
        home=home,
        host="0.0.0.0",
        port=port_of(env) or 7860,
        share=False,
        auth=None,
        open_browser=False,
        allow_url=False,
        allow_paths=False,
        keep_history=False,
        max_arms=4,
        max_new_tokens=1024,
        max_waiting=16,
        max_run_s=180.0,
        max_upload_bytes=2_000_000,
        max_body_bytes=4_000_000,
        hosts=LOOPBACK_NAMES + ((own,) if own else ("*.hf.space",)),
        zero_gpu=env.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true"),
    )


def build_settings(flags: argparse.Namespace, home: Path, env: Mapping[str, str] | None = None) -> Settings:
    """The one place that asks whether this is a Space (SPACE_ID is set there by the platform)."""
    env = os.environ if env is None else env
    if env.get("SPACE_ID"):
        return on_space(env, home)
    port_of(env)
    return at_home(flags, home)
