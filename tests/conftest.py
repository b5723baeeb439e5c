"""No test leaves this machine: a connection to anywhere else is refused, and fails the test that tried.

Tests marked `network` may. What a test starts as a process of its own is beyond this; there HF_HUB_OFFLINE holds.
"""

import ipaddress
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.running import CHROMIUM_FLAGS, chromium

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the others want their cores, torch takes all
    signal.signal(signal.SIGINT, signal.default_int_handler)  # xdist ignores it, and so would what tests start

# The same examples each time; `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("same", derandomize=True, database=None, deadline=None)  # no timing is asserted
settings.register_profile("search", print_blob=True, deadline=None)
settings.load_profile("same")

tried: list[str] = []
open_to_all = False


class NetworkRefused(OSError):
    """Looks to the code under test like a machine without a network."""


def local(family: int, address: Any) -> bool:
    """True for unix sockets and the loopback addresses."""
    if family not in (socket.AF_INET, socket.AF_INET6):
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def guard(name: str) -> None:
    """Put a check in front of one method of `socket.socket`."""
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, address: Any) -> Any:
        if not open_to_all and not local(self.family, address):
            tried.append(f"{name} {address!r}")
            raise NetworkRefused(f"No test may leave this machine: {name} {address!r}")
        return original(self, address)

    setattr(socket.socket, name, guarded)


guard("connect")
guard("connect_ex")


@pytest.fixture(autouse=True)
def stay_on_this_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test during which something reached for the network, even when the code took the refusal well."""
    global open_to_all
    tried.clear()
    open_to_all = request.node.get_closest_marker("network") is not None
    yield
    open_to_all = False
    assert not tried, f"reached for the network: {tried}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, one at a time, as Playwright allows; each module its own: others' tests end processes."""
    try:
        path = chromium()
    except RuntimeError as err:
        pytest.skip(str(err))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models/ARCHITECTURE and adapters/ARCHITECTURE-a and -b: random, tiny, whole. Read only."""
    from tests.tiny_models import ARCHITECTURES, make_adapter, make_model

    root = tmp_path_factory.mktemp("tiny")
    for name in ARCHITECTURES:
        base = make_model(root / "models" / name, name)
        make_adapter(root / "adapters" / f"{name}-a", base, seed=1)
        make_adapter(root / "adapters" / f"{name}-b", base, seed=2)
    return root
