"""What leaves a version: rows in the form a trainer reads, and a repository without what was refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

from tests.data.hub_server import Hub
from tests.data.test_versions import content, row
from training.data.exports import FORMS, REJECTED, answer_text, export_version, hub_key, push_to_hub
from training.data.gates.personal import mask
from training.data.makers import make_rows
from training.data.rows import DataRow
from training.data.sources.read import propose_source, read_source
from training.data.spec import DatasetSpec, SourceSpec
from training.data.teacher.plan import TeacherSpec
from training.data.versions import Version, write_version
from training.errors import DataError
from training.task.pack import BUILTIN, Pack, load_pack


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(BUILTIN / "recipe-jsonld")


@pytest.fixture
def version(tmp_path: Path) -> Version:
    worse = replace(row(1), notes={REJECTED: {"name": "Stew"}})
    return write_version(tmp_path, content({"train": [worse, row(2)], "test": [row(3)]}))


def exported(version: Version, out: Path, form: str, pack: Pack, *parts: str) -> dict[str, Any]:
    export_version(version, out, form, pack, parts or ("train",))
    found = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    return {line["id"]: line for line in found}


def test_every_form_holds_source_and_gold(version: Version, tmp_path: Path, pack: Pack) -> None:
    one, gold = row(1), '{"name":"Soup 1"}'
    found = {form: exported(version, tmp_path / f"{form}.jsonl", form, pack)[one.id] for form in FORMS}
    assert found["completion"] == {"prompt": one.source, "completion": gold, "id": one.id, "part": "train"}
    assert found["rows"]["gold"] == one.gold and found["rows"]["group"] == "g1"
    turns = found["chat"]["messages"]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant"]
    assert turns[1]["content"] == pack.user.replace("{source}", one.source) and turns[2]["content"] == gold
    assert found["instruction"]["input"] == one.source and found["instruction"]["output"] == gold
    assert pack.system in found["instruction"]["instruction"]
    assert found["preference"]["prompt"] == turns[:2]
    assert found["preference"]["chosen"] == turns[2:]
    assert found["preference"]["rejected"] == [{"role": "assistant", "content": '{"name":"Stew"}'}]


def test_a_file_of_preferences_comes_out_as_preferences(tmp_path: Path, pack: Pack) -> None:
    lines = [
        {"prompt": f"Soup {n}", "chosen": f'{{"name": "Soup {n}"}}', "rejected": '{"name": "a@b.de"}'} for n in (1, 2)
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    given = SourceSpec("file", path=str(path), licence="CC0-1.0")
    confirmed = replace(given, mapping=propose_source(given).mapping)
    spec = DatasetSpec("recipe-jsonld", "pairs", (confirmed,))
    made = [row for row in make_rows(spec.task, read_source(confirmed), spec.render, 7) if isinstance(row, DataRow)]
    rows = [mask(row)[0] for row in made]
    version = write_version(tmp_path / "datasets", content({"train": sorted(rows, key=lambda row: row.id)}))
    found = exported(version, tmp_path / "a.jsonl", "preference", pack)
    assert {line["rejected"][0]["content"] for line in found.values()} == {'{"name":"[e-mail 1]"}'}
    assert {line["chosen"][0]["content"] for line in found.values()} == {'{"name":"Soup 1"}', '{"name":"Soup 2"}'}


def test_only_rows_with_a_worse_answer_are_preferences(version: Version, tmp_path: Path, pack: Pack) -> None:
    assert set(exported(version, tmp_path / "a.jsonl", "preference", pack, "train", "test")) == {row(1).id}


def test_parts_are_named_in_their_lines(version: Version, tmp_path: Path, pack: Pack) -> None:
    found = exported(version, tmp_path / "a.jsonl", "chat", pack, "train", "test")
    assert {line["part"] for line in found.values()} == {"train", "test"} and found[row(3).id]["part"] == "test"


def test_an_export_that_fails_leaves_the_file_that_was_there(version: Version, tmp_path: Path, pack: Pack) -> None:
    out = tmp_path / "a.jsonl"
    out.write_text("before")
    for words in (("poem", ("train",)), ("chat", ("dev",)), ("preference", ("test",))):
        with pytest.raises(DataError):
            export_version(version, out, words[0], pack, words[1])
    with pytest.raises(DataError, match="not news-metadata"):
        export_version(version, out, "chat", load_pack(BUILTIN / "news-metadata"))
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.glob(".a*")] == []


def test_an_address_of_the_local_network_is_not_told_to_everyone(tmp_path: Path) -> None:
    def asked_at(address: str) -> Version:
        spec = replace(content().spec, teacher=TeacherSpec(address, "tiny"))
        return write_version(tmp_path, content(spec=spec))

    hub, kitchen = FakeHub(), asked_at("http://10.1.2.3:8000/v1")
    with pytest.raises(DataError, match=r"names 10\.1\.2\.3, the teacher's address") as found:
        push_to_hub(kitchen, "ann/soups", private=False, api=hub)
    assert "private dataset" in found.value.fix
    push_to_hub(kitchen, "ann/soups", private=True, api=hub)
    for known in ("https://teacher.example/v1", "http://localhost:8000/v1"):
        push_to_hub(asked_at(known), "ann/soups", private=False, api=hub)


def test_a_text_answer_stays_as_it_is() -> None:
    assert answer_text("RECIPE: Soup\n[END]") == "RECIPE: Soup\n[END]"
    assert answer_text({"b": "é", "a": 1}) == '{"b":"é","a":1}'


class FakeHub:
    """Takes what it is given, or raises what it was told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.repo, self.files = error, {}, {}

    def create_repo(self, repo: str, **words: Any) -> None:
        if self.error:
            raise self.error
        self.repo = {"repo": repo, **words}

    def create_commit(self, repo: str, operations: list[Any], **words: Any) -> None:
        assert repo == self.repo["repo"] and words["repo_type"] == "dataset"
        for operation in operations:
            with operation.as_file() as file:
                self.files[operation.path_in_repo] = file.read()


def test_a_version_is_pushed_in_one_commit_with_its_card(version: Version) -> None:
    hub = FakeHub()
    assert push_to_hub(version, "ann/soups", api=hub) == "https://huggingface.co/datasets/ann/soups"
    assert hub.repo == {"repo": "ann/soups", "repo_type": "dataset", "private": True, "exist_ok": True}
    assert hub.files["README.md"] == (version.folder / "card.md").read_bytes()
    assert hub.files["train.jsonl"] == (version.folder / "train.jsonl").read_bytes()
    assert "refused.jsonl" not in hub.files
    manifest = json.loads(hub.files["manifest.json"])
    assert manifest["sha256"] == version.sha256 and "refused.jsonl" not in manifest["files"]
    assert row(9).source.encode() not in b"".join(hub.files.values())  # a refused row


def http_error(code: int) -> Callable[[], Exception]:
    def make() -> Exception:
        class Response:
            status_code = code
            headers: dict[str, str] = {}  # noqa: RUF012
            request = None

        return HfHubHTTPError(f"{code} said the Hub", response=Response())  # type: ignore[arg-type]

    return make


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (lambda: LocalTokenNotFoundError("no token"), "hf auth login"),
        (http_error(401), "token that may write"),
        (http_error(403), "token that may write"),
        (http_error(500), "later"),
        (lambda: OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE|Unset"),
        (lambda: ConnectionError("no route"), "connection"),
        (lambda: httpx.ConnectError("no route"), "connection"),
    ],
)
def test_what_the_hub_refuses_is_told_with_a_fix(version: Version, error: Callable[[], Exception], fix: str) -> None:
    with pytest.raises(DataError) as caught:
        push_to_hub(version, "ann/soups", api=FakeHub(error()))
    assert any(word in caught.value.fix for word in fix.split("|"))


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub's client believes in a network; what it is given stands on this machine."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: False)


@pytest.mark.usefixtures("online")
def test_over_real_http_a_version_arrives_whole_and_private(version: Version) -> None:
    with Hub().running() as hub:
        push_to_hub(version, " ann/soups ", api=HfApi(endpoint=hub.url, token="hf_ours"))
    asked = hub.repos[0]
    assert asked["type"] == "dataset" and (asked.get("private") or asked.get("visibility") == "private")
    assert hub.files["README.md"] == (version.folder / "card.md").read_bytes()
    assert hub.files["test.jsonl"] == (version.folder / "test.jsonl").read_bytes()
    assert "refused.jsonl" not in hub.files and hub.tokens == {"Bearer hf_ours"}


@pytest.mark.usefixtures("online")
def test_over_real_http_a_refusal_and_silence_are_told(version: Version) -> None:
    with Hub(403).running() as hub, pytest.raises(DataError, match="refused ann/soups") as caught:
        push_to_hub(version, "ann/soups", api=HfApi(endpoint=hub.url, token="hf_ours"))
    assert "may write there" in caught.value.fix
    with pytest.raises(DataError, match="can't be reached"):
        push_to_hub(version, "ann/soups", api=HfApi(endpoint=hub.url, token="hf_ours"))


@pytest.mark.parametrize("repo", ["", "soups", "a/b/c", "ann/so ups", "ann/"])
def test_only_owner_and_name_make_a_repository(version: Version, repo: str) -> None:
    with pytest.raises(DataError, match="no name for a repository"):
        push_to_hub(version, repo, api=FakeHub())


def test_the_token_comes_from_the_environment_or_the_keyring_and_does_not_print(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: dict[tuple[str, str], str] = {("taste-test", "HF_TOKEN"): "hf_of_the_keyring"}
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("keyring.get_password", lambda service, name: kept.get((service, name)))
    assert hub_key().header() == "Bearer hf_of_the_keyring" and "hf_of" not in repr(hub_key())
    kept.clear()
    with pytest.raises(DataError, match="HF_TOKEN is not set") as caught:
        hub_key()
    assert "hf auth login" in caught.value.fix and "keyring set" in caught.value.fix
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_of_the_login")
    assert hub_key().header() == "Bearer hf_of_the_login"
