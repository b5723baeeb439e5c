"""What a person types as a path: a home is put in for `~`, and what no system has as a path is told."""

import sys
from pathlib import Path

import pytest

from training.errors import InputError
from training.typed_path import typed_path

NOBODY = "~no-such-person-here/x"


def test_a_path_is_what_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert typed_path("~/mine", "base") == tmp_path / "mine"
    assert typed_path("owner/model", "base") == Path("owner/model")
    assert typed_path("../mine", "base", tmp_path / "specs") == (tmp_path / "mine").resolve()


@pytest.mark.parametrize("text", [NOBODY, "a" * 5000, "./" + "a" * 400, "a/" * 2400, "~" * 3000])
def test_what_can_be_no_path_is_told_in_a_line(text: str, tmp_path: Path) -> None:
    if sys.platform == "win32" and text == NOBODY:
        pytest.skip("Windows guesses other people's homes")
    with pytest.raises(InputError, match=r"^base ") as caught:
        typed_path(text, "base", tmp_path)
    assert len(str(caught.value)) < 250 and caught.value.fix


def test_a_link_to_itself_is_told(tmp_path: Path) -> None:
    link = tmp_path / "link"
    try:
        link.symlink_to(link)
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(InputError, match=r"^dataset .*can't be a path"):
        typed_path("./link", "dataset", tmp_path)
