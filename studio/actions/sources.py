"""Where a text comes from (file, address, example), and what the model will see of it. No Gradio."""

from dataclasses import dataclass, replace
from pathlib import Path

from studio.actions.form import Form, to_request
from studio.actions.room import answer_to_offer
from studio.deps import Deps
from studio.settings import Settings
from training.compare import prepare
from training.errors import FetchError, InputError, StudioError
from training.task.pack import Pack
from training.task.records import Arm, ArmKind, Context
from training.task.source import read_text


def from_file(path: str | None) -> tuple[str, str]:
    """(text, file name) of an uploaded file; the upload itself is removed. InputError for what is no text."""
    if not path:
        raise InputError("No file came through.", fix="Drop a .txt, .md or .html file.")
    file = Path(path)
    try:
        data = file.read_bytes()
    finally:
        file.unlink(missing_ok=True)
    return read_text(data, file.name).text, file.name


def from_url(settings: Settings, url: str) -> tuple[str, str]:
    """(text, address) of a page. FetchError where this studio fetches nothing, or the page can't be had."""
    if not settings.allow_url:
        raise FetchError("Pages are fetched only on one's own machine.", fix="Copy the text and paste it.")
    from training.fetch import fetch_url  # httpx takes a moment to import, and most visits never need it

    source = fetch_url(url.strip())
    return source.text, source.origin


def from_example(pack: Pack, index: int) -> tuple[str, str]:
    """(text, name) of a task's own example."""
    if not 0 <= index < len(pack.examples):
        raise InputError("There is no such example.", fix="Click one of those shown.")
    example = pack.examples[index]
    return example.text, f"{example.id}.{'html' if example.kind == 'html' else 'txt'}"


@dataclass(frozen=True, slots=True)
class Preview:
    """`context` as a run would build it, or `words` that say why there is none; both empty for an empty box.

    `offer` is an answer budget that would leave room for a text, None where there is room.
    """

    context: Context | None = None
    words: str = ""
    offer: int | None = None


def preview(deps: Deps, form: Form) -> Preview:
    """What the model will see, counted by the chosen base; nothing is loaded for it."""
    offer = answer_to_offer(deps, form)
    if not form.text.strip():
        return Preview(offer=offer)
    if deps.engine.status().base != form.base:
        words = "What the model will see stands here as soon as the chosen base is loaded."
        return Preview(words=words, offer=offer)
    columns = [form.sweep_arm] if form.sweep else form.arms
    arms = (Arm(ArmKind.BASE, "base"), *((Arm(ArmKind.PROMPTED, "prompted"),) if "prompted" in columns else ()))
    try:
        request = to_request(replace(form, blind=False), deps, arms)
        return Preview(prepare(request, deps.engine, lambda _text, _fraction: None).context, offer=offer)
    except StudioError as err:
        return Preview(words=f"{err} {err.fix}", offer=offer)
