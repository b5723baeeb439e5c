"""Where a person's files live."""

from pathlib import Path

import pytest

from training.errors import InputError
from training.home import VARIABLE, home_dir


def test_what_is_given_wins_over_the_environment_and_that_over_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert home_dir().is_absolute()
    assert home_dir().name == "taste-test"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "env"))
    assert home_dir() == tmp_path / "env"
    assert home_dir(str(tmp_path / "given")) == tmp_path / "given"
    assert not (tmp_path / "given").exists()


def test_a_relative_folder_and_a_tilde_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home_dir("mine") == tmp_path / "mine"
    assert home_dir("~/mine") == tmp_path / "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        home_dir(str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("given", "said"),
    [("~nobody-of-that-name/x", "--home '~nobody-of-that-name/x' can't be a path"), ("x" * 300, "File name too long")],
)
def test_what_can_be_no_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        home_dir(given)
    assert caught.value.fix and len(str(caught.value)) < 250
    monkeypatch.setenv(VARIABLE, given)
    with pytest.raises(InputError, match=VARIABLE):
        home_dir()
