"""Who may reach the studio, decided from flags and environment."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from studio.settings import Settings, build_settings, is_loopback
from training.errors import InputError

HOME = Path("/tmp/nobody")


def settings(env: dict[str, str] | None = None, **flags: Any) -> Settings:
    given = {"host": "127.0.0.1", "port": None, "share": False, "auth": None, "no_browser": True, "four_bit": False}
    return build_settings(Namespace(**{**given, **flags}), HOME, env or {})


def test_at_home_it_listens_to_this_machine_only_and_keeps_what_was_compared() -> None:
    found = settings()
    assert (found.host, found.space, found.share, found.keep_history) == ("127.0.0.1", False, False, True)
    assert found.allow_url and found.allow_paths
    assert set(found.hosts) == {"localhost", "127.0.0.1", "[::1]"}


@pytest.mark.parametrize("flags", [{"share": True}, {"host": "0.0.0.0"}, {"host": "192.168.1.7"}, {"host": "::"}])
def test_others_come_in_only_with_a_login(flags: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no login") as caught:
        settings(**flags)
    assert "--auth" in caught.value.fix
    assert settings(**flags, auth="me:secret").auth == ("me", "secret")


@pytest.mark.parametrize("flags", [{"share": True}, {"host": "192.168.1.7"}])
def test_where_others_come_in_nothing_is_fetched_or_read_for_them(flags: dict[str, Any]) -> None:
    found = settings(**flags, auth="me:secret")
    assert not found.allow_url and not found.allow_paths


@pytest.mark.parametrize("auth", ["me", "me:", ":secret", ""])
def test_half_a_login_is_refused(auth: str) -> None:
    with pytest.raises(InputError, match="user and a password"):
        settings(auth=auth)


def test_a_password_may_hold_colons() -> None:
    assert settings(auth="me:a:b").auth == ("me", "a:b")


def test_a_share_link_is_let_through_the_host_check() -> None:
    assert "*.gradio.live" in settings(share=True, auth="me:secret").hosts
    assert settings(host="192.168.1.7", auth="me:secret").hosts[-1] == "192.168.1.7"


def test_on_a_space_nothing_is_fetched_read_or_kept_whatever_the_flags_say() -> None:
    found = settings({"SPACE_ID": "me/taste", "SPACE_HOST": "Me-Taste.hf.space"}, share=True, host="10.0.0.1")
    assert (found.space, found.share, found.allow_url, found.allow_paths, found.keep_history) == (True, *[False] * 4)
    assert found.host == "0.0.0.0" and "me-taste.hf.space" in found.hosts and "*" not in found.hosts
    assert found.max_new_tokens < settings().max_new_tokens and found.max_run_s < settings().max_run_s


@pytest.mark.parametrize("port", [0, -5, 65536, 99999])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    with pytest.raises(InputError, match=f"--port is {port}"):
        settings(port=port)


@pytest.mark.parametrize("space", [{}, {"SPACE_ID": "me/taste"}], ids=["home", "space"])
@pytest.mark.parametrize("given", ["abc", "", "99999", "-1", "7860.5", "²"])
def test_a_port_of_the_environment_that_is_none_is_refused(space: dict[str, str], given: str) -> None:
    with pytest.raises(InputError, match="GRADIO_SERVER_PORT is"):
        settings(space | {"GRADIO_SERVER_PORT": given})


def test_the_port_of_the_environment_is_the_spaces() -> None:
    assert settings({"SPACE_ID": "me/taste", "GRADIO_SERVER_PORT": "7861"}).port == 7861
    assert settings({"SPACE_ID": "me/taste"}).port == 7860
    assert settings({"GRADIO_SERVER_PORT": "7861"}).port is None


def test_a_gpu_that_is_lent_by_the_call_is_told_from_one_of_its_own() -> None:
    space = {"SPACE_ID": "me/taste"}
    assert [settings(space | {"SPACES_ZERO_GPU": given}).zero_gpu for given in ("true", "1", "", "0")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not settings(space).zero_gpu and not settings({"SPACES_ZERO_GPU": "true"}).zero_gpu


def test_four_bits_are_asked_for_or_left_to_what_fits() -> None:
    assert settings().four_bit is None and settings(four_bit=True).four_bit is True


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("0.0.0.0", False),
     ("example.com", False), ("192.168.0.1", False), ("", False), ("localhost.evil.com", False)],
)  # fmt: skip
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
