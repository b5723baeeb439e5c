"""The door the studio listens at: whether host and port can be opened, asked before anything is loaded. No Gradio.

Gradio itself would try a hundred ports on a host that is not this machine's, for two minutes, with a traceback each.
"""

import errno
import os
import socket

from studio.settings import Settings
from training.errors import InputError

HOST_FIX = "Leave --host out, or give an address of this machine (0.0.0.0 for all of them)."
PORT_FIX = "Choose another --port, or leave it out for the first that is free."


def check_door(settings: Settings) -> None:
    """Open host and port for a moment. InputError where the one is not this machine's or the other is taken."""
    host = settings.host.removeprefix("[").removesuffix("]")
    if not host.strip():
        raise InputError("--host is empty.", fix=HOST_FIX)
    try:
        places = socket.getaddrinfo(host, settings.port or 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as err:
        raise InputError(f"--host {host!r} can't be found.", fix=HOST_FIX) from err
    family, kind, protocol, _, address = places[0]
    try:
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # elsewhere it would let two programs share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as err:
        raise _refusal(settings, host, err) from err


def _refusal(settings: Settings, host: str, err: OSError) -> InputError:
    if err.errno == errno.EADDRINUSE:
        return InputError(f"Port {settings.port} of {host} is taken by another program.", fix=PORT_FIX)
    if err.errno == errno.EACCES:
        return InputError(f"Port {settings.port} may be opened by an administrator only.", fix=PORT_FIX)
    if err.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return InputError(f"--host {host} is no address of this machine.", fix=HOST_FIX)
    return InputError(f"{host} can't be listened on: {err.strerror or err}.", fix=HOST_FIX)
