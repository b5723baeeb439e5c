"""The tree is the architecture: each package may import only what stands here.

Read from the source with `ast`, so that nothing is imported, and once for real in a fresh interpreter without torch.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = frozenset({"torch", "transformers", "peft", "trl", "accelerate", "datasets", "unsloth", "bitsandbytes"})
WINDOW = frozenset({"gradio", "gradio_client", "spaces"})
OURS = frozenset({"app", "studio", "training", "tests", "scripts"})


class Rule(NamedTuple):
    """What the modules of a package may import: of ours by prefix, of the rest everything but `banned`."""

    ours: frozenset[str]
    banned: frozenset[str] = frozenset()


# What handlers are given and wait in: small parts of the studio without a window, below actions and queries.
PARTS = frozenset({"studio.deps", "studio.settings", "studio.line", "studio.sessions"})
PART = Rule(PARTS | {"training"}, HEAVY | WINDOW)
LEAF = Rule(frozenset({"training.task", "training.errors"}), HEAVY | WINDOW)
# The longest prefix of a module's name decides.
RULES = {
    "training.errors": Rule(frozenset(), HEAVY | WINDOW),
    "training.task": LEAF,
    "training.engine": Rule(frozenset({"training"}), WINDOW),
    "training": Rule(frozenset({"training"}), HEAVY | WINDOW),
    "studio.views": Rule(frozenset({"studio.views", "training.task"}), HEAVY | WINDOW),
    **dict.fromkeys(PARTS, PART),
    "studio.queries": Rule(PARTS | {"studio.queries", "training"}, HEAVY | WINDOW),
    "studio.actions": Rule(PARTS | {"studio.actions", "studio.queries", "training"}, HEAVY | WINDOW),
    "studio.tabs": Rule(frozenset({"studio", "training.task", "training.errors"}), HEAVY),
    "studio": Rule(frozenset({"studio", "training"}), HEAVY),
    "app": Rule(frozenset({"studio", "training"}), HEAVY),
}
ONCE = "training.engine.transformers_once"
BUILT_ON_IT = frozenset({"transformers", "peft", "trl"})
ALONE = frozenset({ONCE, "training.engine.pretrain"})  # the second is scripts, which no second thread imports beside
ENGINE = frozenset({"training.engine"})  # only it knows torch; the rest imports it when a model is really wanted


class Import(NamedTuple):
    """One imported name; `lazy` when it stands inside a function."""

    name: str
    lazy: bool
    line: int


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def walk(node: ast.AST, lazy: bool = False) -> Iterator[Import]:
    """Every import below `node`; `if TYPE_CHECKING` counts as lazy, since it never runs."""
    for child in ast.iter_child_nodes(node):
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inside = True
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, lazy, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: absolute imports only"
            yield from (Import(f"{child.module}.{alias.name}", lazy, child.lineno) for alias in child.names)
        else:
            yield from walk(child, inside)


def within(name: str, prefixes: frozenset[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def rule_for(module: str) -> Rule:
    return RULES[max((prefix for prefix in RULES if within(module, frozenset({prefix}))), key=len)]


def faults(module: str, source: str) -> list[str]:
    """What a module imports against its rule, as lines for a person."""
    rule = rule_for(module)
    found: list[str] = []
    imports = list(walk(ast.parse(source)))
    for item in imports:
        top = item.name.split(".")[0]
        if top in BUILT_ON_IT and not within(module, ALONE) and not after_once(item, imports):
            found.append(f"line {item.line}: {module} imports {top} without {ONCE} before it")
        if top in OURS and not within(item.name, rule.ours):
            found.append(f"line {item.line}: {module} may not import {item.name}")
        if top in rule.banned:
            found.append(f"line {item.line}: {module} may not know {top}")
        if not item.lazy and within(item.name, ENGINE) and not within(module, ENGINE) and reaches_torch(item.name):
            found.append(f"line {item.line}: {module} loads torch with {item.name} before a model is wanted")
    return found


def after_once(item: Import, imports: list[Import]) -> bool:
    """True when transformers is there whole once `item` is imported, whatever other threads import meanwhile."""
    return any(one.name == ONCE and one.line < item.line and one.lazy <= item.lazy for one in imports)


def source_of(name: str) -> Path | None:
    """The file behind an imported name: the module itself, or the module that a name comes from."""
    parts = name.split(".")
    for size in (len(parts), len(parts) - 1):
        path = ROOT.joinpath(*parts[:size]).with_suffix(".py")
        if path.is_file():
            return path
    return None


def reaches_torch(name: str, seen: frozenset[str] = frozenset()) -> bool:
    """True when importing `name` imports a heavy package at once, followed through our own modules."""
    if name.split(".")[0] in HEAVY:
        return True
    path = source_of(name)
    if path is None or (module := module_name(path)) in seen:
        return False
    eager = [item.name for item in walk(ast.parse(path.read_text("utf-8"))) if not item.lazy]
    return any(reaches_torch(child, seen | {module}) for child in eager)


MODULES = [path for top in ("studio", "training") for path in sorted((ROOT / top).rglob("*.py"))]
MODULES += [path for path in (ROOT / "app.py",) if path.is_file()]


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_what_its_package_may(path: Path) -> None:
    assert not (wrong := faults(module_name(path), path.read_text("utf-8"))), "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("training.task.score.text", "from training.store import Store"),
        ("training.task.parse", "def f():\n    import torch"),
        ("training.store", "import gradio as gr"),
        ("training.compare", "import transformers"),
        ("training.errors", "from training.task.records import Source"),
        ("training.engine.load", "from transformers import AutoTokenizer"),
        ("training.engine.load", f"def f():\n    import {ONCE}\n\nimport peft"),
        ("studio.views.card", "from studio.deps import Deps"),
        ("studio.views.card", "import gradio"),
        ("studio.actions.compare", "from studio.tabs.compare import build"),
        ("studio.tabs.compare", "from training.store import Store"),
        ("studio.queries.history", "from studio.actions.compare import run"),
        ("studio.deps", "import gradio"),
        ("studio.shell", "from tests.fakes import FakeEngine"),
        ("app", "import torch"),
    ],
)
def test_the_rules_catch_each_wrong_direction(module: str, source: str) -> None:
    assert faults(module, source)


def test_the_rules_let_the_right_direction_pass() -> None:
    assert not faults("studio.tabs.compare", "import gradio as gr\nfrom studio.actions.compare import run")
    assert not faults("training.engine.load", "import torch\nfrom training.task.records import Arm")
    assert not faults("training.task.score.lists", "import scipy\nfrom training.task.score import text")


def test_relative_imports_are_refused() -> None:
    with pytest.raises(AssertionError, match="absolute"):
        faults("studio.shell", "from . import deps")


FIRST_PAGE = ("studio.shell", "training.compare", "training.store", "training.task.pack", "training.__main__")


@pytest.mark.parametrize("module", FIRST_PAGE)
def test_what_the_first_page_needs_loads_without_torch(module: str) -> None:
    """In a fresh interpreter where importing torch or its family is an error."""
    banned = ", ".join(f"{name!r}: None" for name in sorted(HEAVY))
    code = f"import sys; sys.modules.update({{{banned}}}); import importlib; importlib.import_module({module!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_needs_no_torch() -> None:
    banned = ", ".join(f"{name!r}: None" for name in sorted(HEAVY))
    code = (
        f"import sys, runpy; sys.modules.update({{{banned}}}); sys.argv = ['app.py', '--help']; "
        "runpy.run_path('app.py', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--home" in done.stdout
