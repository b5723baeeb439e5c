"""A version for other tools: one file of lines in the form a trainer reads, or a repository on the Hub.

Forms: `rows` as the version has them; `completion` {prompt, completion} with the bare source and answer; `chat`
{messages} with the pack's own prompt; `instruction` {instruction, input, output}; `preference` {prompt, chosen,
rejected}, only for rows whose notes hold what was rejected. Sources are written whole: what a model's context has no
room for is left out when it is trained, not here. Every line has the row's id and its part.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from training.chat.address import at_home
from training.chat.keys import SERVICE, Key, find_key
from training.data.build_cost import endpoints
from training.data.rows import REJECTED, DataRow, answer_text
from training.data.version_files import LineWriter, row_json
from training.data.versions import MANIFEST, Version, rows_of
from training.disk import disk
from training.errors import DataError
from training.task.pack import Pack
from training.task.prompt import messages_for

FORMS = ("rows", "completion", "chat", "instruction", "preference")
PRIVATE = ("refused.jsonl",)  # may hold what was refused for being personal: never pushed
TOKEN = "HF_TOKEN"  # the variable, and the keyring's entry, that holds the Hub's token
_REPO = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
Form = Callable[[DataRow, Pack], dict[str, Any] | None]


def export_version(version: Version, out: Path, form: str, pack: Pack, parts: Sequence[str] = ("train",)) -> int:
    """Write the rows of `parts` to one JSONL file; returns how many lines. The file is whole or not there.

    DataError for an unknown form or part, and where no row has what the form needs.
    """
    if form not in FORMS:
        raise DataError(f"There is no form {form!r}.", fix=f"Use one of: {', '.join(FORMS)}.")
    if pack.name != version.task:
        raise DataError(f"{version.name} is of the task {version.task}, not {pack.name}.", fix="Give that task's pack.")
    sides = [(part, rows_of(version, part)) for part in parts]
    with disk("write the export", out), LineWriter(out) as writer:
        for line in _lines(sides, _FORMS[form], pack):
            writer.write(line)
        if not writer.count:
            raise DataError(
                f"No row of {version.name} ({', '.join(parts)}) can be written as {form}.",
                fix="Use the form chat or completion; preference needs rows with a rejected answer.",
            )
    return writer.count


def hub_key() -> Key:
    """The Hub's token: of the environment (HF_TOKEN) or of `hf auth login`, else of the system's keyring.

    DataError where there is none. It is never written to a file and never shown.
    """
    from huggingface_hub import get_token

    if token := get_token():
        return Key(token)
    try:
        return find_key(TOKEN, whose="Hub")
    except DataError as err:
        fix = f"Log in with `hf auth login`, set {TOKEN}, or run `keyring set {SERVICE} {TOKEN}`."
        raise DataError(str(err), fix=fix) from err


def push_to_hub(version: Version, repo: str, *, private: bool = True, api: Any = None) -> str:
    """Put a version into a dataset repository in one commit, its card as README.md; returns the repository's address.

    Refused rows stay at home. `api` is a `huggingface_hub.HfApi`, made with `hub_key` when None. DataError says what
    the Hub refused and what to do: no token, no right, no network; and where everyone would read an address of the
    local network in the spec.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    repo = repo.strip()
    if not _REPO.fullmatch(repo):
        raise DataError(f"{repo!r} is no name for a repository.", fix="Write it as owner/name.")
    if not private:
        _refuse_addresses(version)
    key = Key("") if api else hub_key()
    hub = api or HfApi(token=key.header().removeprefix("Bearer "))
    with tempfile.TemporaryDirectory() as folder, _told(repo, key):
        manifest = Path(folder) / MANIFEST
        manifest.write_text(json.dumps(_public_manifest(version), indent=1) + "\n", "utf-8")
        names = {name: version.folder / name for name in version.files if name not in PRIVATE}
        names["README.md"] = names.pop("card.md")
        names[MANIFEST] = manifest
        operations = [CommitOperationAdd(name, str(path)) for name, path in sorted(names.items())]
        hub.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        hub.create_commit(repo, operations, commit_message=version.name, repo_type="dataset")
    return f"https://huggingface.co/datasets/{repo}"


def _refuse_addresses(version: Version) -> None:
    """A version's spec names whom it asked; an address of one's own network is nobody else's business."""
    for asked in endpoints(version.spec):
        host = urlsplit(asked.base_url).hostname or ""
        if at_home(host) and not (host in ("localhost", "::1") or host.startswith("127.")):
            raise DataError(
                f"The spec of {version.name} names {host}, the {asked.whose}'s address in your own network, and "
                "everyone could read it.",
                fix="Push it as a private dataset, or push an export of its rows.",
            )


@contextmanager
def _told(repo: str, key: Key) -> Iterator[None]:
    """What the Hub and the way to it raise, as errors for a person."""
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled
    from huggingface_hub.utils import HFValidationError

    try:
        yield
    except LocalTokenNotFoundError as err:
        raise DataError("The Hub knows nobody: there is no token.", fix="Log in with `hf auth login`.") from err
    except HFValidationError as err:
        raise DataError(f"{repo!r} is no name for a repository.", fix="Write it as owner/name.") from err
    except OfflineModeIsEnabled as err:
        raise DataError("The Hub is switched off here (HF_HUB_OFFLINE).", fix="Unset it and try again.") from err
    except HfHubHTTPError as err:
        code = getattr(err.response, "status_code", None)
        fix = "Log in with a token that may write there." if code in (401, 403) else "Try again later."
        raise DataError(f"The Hub refused {repo}: {key.hide(str(err).splitlines()[0])}.", fix=fix) from err
    except (OSError, httpx.HTTPError) as err:
        why = key.hide(str(err)) or type(err).__name__
        raise DataError(f"The Hub can't be reached: {why}.", fix="Check the connection and try again.") from err


def _public_manifest(version: Version) -> Mapping[str, Any]:
    data = version.read("manifest")
    return {**data, "files": {name: facts for name, facts in data["files"].items() if name not in PRIVATE}}


def _lines(sides: Sequence[tuple[str, Iterator[DataRow]]], form: Form, pack: Pack) -> Iterator[dict[str, Any]]:
    for part, rows in sides:
        for row in rows:
            if (line := form(row, pack)) is not None:
                yield {**line, "id": row.id, "part": part}


def _completion(row: DataRow, pack: Pack) -> dict[str, Any]:
    return {"prompt": row.source, "completion": answer_text(row.gold)}


def _chat(row: DataRow, pack: Pack) -> dict[str, Any]:
    turns = [{"role": turn.role, "content": turn.content} for turn in messages_for(pack, row.source)]
    return {"messages": [*turns, {"role": "assistant", "content": answer_text(row.gold)}]}


def _instruction(row: DataRow, pack: Pack) -> dict[str, Any]:
    before, _, after = pack.user.partition("{source}")
    instruction = "\n\n".join(text.strip() for text in (pack.system, before, after) if text.strip())
    return {"instruction": instruction, "input": row.source, "output": answer_text(row.gold)}


def _preference(row: DataRow, pack: Pack) -> dict[str, Any] | None:
    if REJECTED not in row.notes:
        return None
    prompt = [{"role": turn.role, "content": turn.content} for turn in messages_for(pack, row.source)]
    return {
        "prompt": prompt,
        "chosen": [{"role": "assistant", "content": answer_text(row.gold)}],
        "rejected": [{"role": "assistant", "content": answer_text(row.notes[REJECTED])}],
    }


_FORMS: Mapping[str, Form] = {
    "rows": lambda row, pack: row_json(row),
    "completion": _completion,
    "chat": _chat,
    "instruction": _instruction,
    "preference": _preference,
}
