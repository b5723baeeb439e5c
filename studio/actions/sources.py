"""Where a text comes from (file, address, example), and what the model will see of it. No Gradio."""

from pathlib import Path

from studio.actions.form import Form, pack_of, read_source
from studio.deps import Deps
from studio.settings import Settings
from training.errors import FetchError, InputError
from training.task.context import build_context
from training.task.pack import Pack
from training.task.records import Context
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


def preview(deps: Deps, form: Form) -> Context | None:
    """The context as a run would build it; None for an empty box or while another base is loaded, which counts differently."""
    if not form.text.strip() or deps.engine.status().base != form.base:
        return None
    pack = pack_of(form.task, deps.packs)
    budget = int(form.budget_tokens) if form.budget_tokens else None
    count = deps.engine.count_tokens
    return build_context(read_source(form), pack.context, count, budget_tokens=budget, enabled=form.context_enabled)
