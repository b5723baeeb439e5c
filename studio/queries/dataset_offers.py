"""What the form of a new dataset offers for a task: sources, and what the studio or a teacher can write of them."""

from typing import Any

from studio.deps import Deps
from training.data.makers import MENUS
from training.data.teacher.prompts import Prompts, load_prompts
from training.data.teacher.slices import PLAIN
from training.errors import StudioError

OFFLINE = {
    "grammar": "Recipes by our own grammar",
    "corpus": "Public-domain cookbooks",
    "news": "AI news by our own grammar",
}
FROM_OUTSIDE = {"file": "A file (CSV, JSON, Parquet)", "hub": "A Hugging Face dataset"}


def source_choices(task: str, deps: Deps) -> list[tuple[str, str]]:
    """(label, kind) of the sources that fit a task: its built-in ones first."""
    own = ["news"] if task == "news-metadata" else ["grammar", "corpus"] if task in MENUS else []
    found = [(OFFLINE[kind], kind) for kind in own]
    return found if deps.settings.space else [*found, *((label, kind) for kind, label in FROM_OUTSIDE.items())]


def menu_rows(task: str) -> tuple[list[list[Any]], list[list[Any]]]:
    """A task's styles and slices with their default shares, as rows [name, share]; none where it has no renderer."""
    menu = MENUS.get(task)
    if menu is None:
        return [], []
    return [[name, 1.0] for name in menu.styles], [[name, share] for name, share in menu.slices.items()]


def teacher_styles(task: str, deps: Deps) -> tuple[str, ...]:
    """The styles that a teacher can be asked for; () where the task has no prompts for one."""
    prompts = _prompts(task, deps)
    return tuple(style.name for style in prompts.styles) if prompts else ()


def teacher_slices(task: str, deps: Deps) -> list[list[Any]]:
    """The slices that a teacher can write, as rows [name, share] that add up to 1; none where it writes plain ones."""
    prompts = _prompts(task, deps)
    if prompts is None or not prompts.slices:
        return []
    plain = 1 - sum(slice_.share for slice_ in prompts.slices)
    return [[PLAIN.name, max(0.0, round(plain, 4))], *([slice_.name, slice_.share] for slice_ in prompts.slices)]


def _prompts(task: str, deps: Deps) -> Prompts | None:
    """A task's prompts for a teacher; None where it has none that can be used, or where nobody may be asked."""
    if task not in deps.packs or deps.settings.space:
        return None
    try:
        return load_prompts(deps.packs[task].path)
    except StudioError:
        return None
