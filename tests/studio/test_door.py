"""Host and port are tried before anything is loaded."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from studio.door import check_door
from studio.settings import Settings
from tests.studio.test_settings import settings
from training.errors import InputError


def at(host: str, port: int | None = None) -> Settings:
    return replace(settings(), host=host, port=port, home=Path("/tmp/nobody"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_what_can_be_opened_is_let_through_and_left_free(host: str) -> None:
    check_door(at(host))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = int(other.getsockname()[1])
    check_door(at(host, port))
    check_door(at(host, port))


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("no-such-host.invalid", "'no-such-host.invalid' can't be found"),
        ("192.0.2.1", "192.0.2.1 is no address of this machine"),
        ("a" * 80 + ".example", "can't be found"),
        ("", "is empty"),
        ("[]", "is empty"),
    ],
)
def test_a_host_that_is_not_this_machine_is_refused_at_once(host: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        check_door(at(host))
    assert "--host" in caught.value.fix


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = int(other.getsockname()[1])
        with pytest.raises(InputError, match=f"Port {port} of 127.0.0.1 is taken") as caught:
            check_door(at("127.0.0.1", port))
    assert "--port" in caught.value.fix
