"""Addresses of chat endpoints: which can be used, and which are at home, where a key may travel unencrypted."""

import ipaddress
from urllib.parse import urlsplit

from training.errors import DataError


def check_address(base_url: str, keyed: bool, whose: str = "teacher") -> None:
    """DataError for an address that is none, that tells a secret, or that a key would be read on the way to.

    `whose` says in messages what the endpoint is asked as: teacher, judge.
    """
    fix = "Give the address that ends before /chat/completions, such as http://localhost:8000/v1."
    if not base_url.strip():
        raise DataError(f"The {whose} has no address yet.", fix=fix)
    try:
        parts = urlsplit(base_url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise DataError(
            f"The {whose}'s address {base_url!r} is no web address.",
            fix=fix,
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise DataError(
            f"The {whose}'s address on {host} holds a user, a password or a query, and addresses are written to disk.",
            fix="Give the bare address, and the key by key_env.",
        )
    if keyed and parts.scheme == "http" and not at_home(host):
        raise DataError(
            f"The key would travel to {host} unencrypted, where anybody on the way can read it.",
            fix="Use the https address, or leave key_env out.",
        )


def at_home(host: str) -> bool:
    """Loopback, a private address, or a name of the local network."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".localhost", ".lan"))
