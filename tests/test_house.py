"""The rules of the house that a machine can hold: sizes, pins, empty packages, nothing that belongs elsewhere."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULE_LINES = 300
FUNCTION_LINES = 50
BUILD_LINES = 80  # a tab's `build` lays out a whole screen
PARAMETERS = 6
WEIGHT_BYTES = 40_000_000  # all weights that ship
CLONE_BYTES = 80_000_000  # what `git clone` transfers
REASON = re.compile(r"#\s*size:\s*\S+")  # where a size is passed, this comment says why


def git_bytes(*words: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", *words], cwd=ROOT, input=given, capture_output=True, check=False
    )
    if done.returncode != 0:
        pytest.skip("needs the git checkout")
    return done.stdout


def git(*words: str) -> str:
    return git_bytes(*words).decode()


@cache
def files() -> tuple[Path, ...]:
    """Every file that is committed or would be: tracked, or new and not ignored."""
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return tuple(path for name in listed if name and (path := ROOT / name).is_file())


def python_files(*tops: str) -> list[Path]:
    return [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in tops]


def text_of(path: Path) -> str | None:
    """The text of a file, None for a binary one."""
    data = path.read_bytes()
    return None if b"\0" in data[:8192] or data[:2] == b"\x1f\x8b" else data.decode("utf-8")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_packages_are_empty_inside() -> None:
    full = [
        shown(path) for path in python_files("studio", "training") if path.name == "__init__.py" and path.stat().st_size
    ]
    assert not full, f"code in {full}: put it in a module with a name"


def test_modules_are_of_a_size_to_be_read() -> None:
    wrong: list[str] = []
    for path in python_files("app.py", "studio", "training", "scripts"):
        source = path.read_text("utf-8")
        if (lines := source.count("\n")) > MODULE_LINES and not REASON.search(source[:2000]):
            wrong.append(f"{shown(path)}: {lines} lines")
    assert not wrong, "split it, or say why in a `# size: ...` comment near its top: " + "; ".join(wrong)


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def oversize(source: str) -> list[str]:
    """Functions that are longer or take more than the house likes, without a reason in their body."""
    lines = source.splitlines()
    found: list[str] = []
    for node in functions(source):
        end = node.end_lineno or node.lineno
        if REASON.search("\n".join(lines[node.lineno - 1 : end])):
            continue
        length = end - node.lineno + 1
        if length > (BUILD_LINES if node.name.startswith("build") else FUNCTION_LINES):
            found.append(f"{node.name}: {length} lines")
        given = [
            arg
            for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if arg.arg not in ("self", "cls")
        ]
        if len(given) > PARAMETERS:
            found.append(f"{node.name}: {len(given)} parameters")
    return found


def test_functions_are_of_a_size_to_be_read() -> None:
    paths = python_files("app.py", "studio", "training", "scripts")
    wrong = [f"{shown(path)} {fault}" for path in paths for fault in oversize(path.read_text("utf-8"))]
    assert not wrong, "split it, or say why in a `# size: ...` comment inside: " + "; ".join(wrong)


def test_an_oversize_function_is_found_and_a_reason_is_accepted() -> None:
    long = "def f() -> None:\n" + "    x = 1\n" * 60
    assert oversize(long) == ["f: 61 lines"]
    assert oversize(long.replace("x = 1", "x = 1  # size: one table", 1)) == []
    assert oversize("def f(a, b, c, d, e, f, g): ...") == ["f: 7 parameters"]


def test_every_signature_is_typed() -> None:
    wrong: list[str] = []
    for path in python_files("app.py", "studio", "training", "scripts"):
        for node in functions(path.read_text("utf-8")):
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            bare = [arg.arg for arg in arguments if arg.annotation is None and arg.arg not in ("self", "cls")]
            if bare or (node.returns is None and node.name != "__init__"):
                wrong.append(f"{shown(path)}:{node.lineno} {node.name} {' '.join(bare)}".strip())
    assert not wrong, "; ".join(wrong)


def test_shipped_weights_are_small_and_safe() -> None:
    assets = [path for path in files() if path.relative_to(ROOT).parts[0] == "assets"]
    pickles = [shown(path) for path in assets if path.suffix in {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}]
    assert not pickles, f"weights are safetensors only: {pickles}"
    weights = sum(path.stat().st_size for path in assets if path.suffix == ".safetensors")
    assert weights <= WEIGHT_BYTES, f"{weights:,} bytes of weights"


def test_a_clone_stays_small() -> None:
    transferred = len(git_bytes("pack-objects", "--revs", "--stdout", "-q", given=b"HEAD"))
    assert transferred <= CLONE_BYTES, f"{transferred:,} bytes of git objects, packed"


def test_no_machine_of_ours_is_named() -> None:
    """No absolute path of the machine this was made on, no host of packages: both mean nothing elsewhere."""
    places = re.compile(rf"(?<![\w./~>)])/(?:{'|'.join(('work', 'opt', 'root', 'mnt', 'tmp'))})/[\w.]")
    examples = re.compile("/" + "tmp/(?:nobody|gradio)")  # in tests, where any path will do
    hosts = [
        "".join(parts)
        for parts in (
            ("py", "pi.org"),
            ("python", "hosted"),
            ("npm", "js."),
            ("deb.", "debian"),
            ("conda", ".anaconda"),
        )
    ]
    wrong: list[str] = []
    for path in files():
        source = text_of(path)
        if source is None or path.name == "LICENSE":
            continue
        for number, line in enumerate(source.splitlines(), 1):
            if places.search(examples.sub("", line)) or any(host in line for host in hosts):
                wrong.append(f"{shown(path)}:{number}: {line.strip()[:80]}")
    assert not wrong, "\n".join(wrong)


def test_remote_code_is_never_trusted() -> None:
    """`trust_remote_code=True` runs a stranger's Python: nowhere, not even behind a flag."""
    for path in python_files("app.py", "studio", "training", "scripts"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, (
                    f"{shown(path)}:{node.lineno}"
                )


PIN = re.compile(r"^(?P<name>[A-Za-z0-9_.-]+)(?:\[[\w,]+\])?(?P<version>[=<>!~].*)$")
RANGES = {"torch": "a CPU build where one is offered, another elsewhere"}


def requirements(name: str) -> dict[str, str]:
    """Distribution -> version rule of a requirements file, followed through `-r`; names normalised."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        rule = line.partition("#")[0].strip()
        if rule.startswith("-r "):
            found |= requirements(rule.removeprefix("-r ").strip())
        elif rule:
            match = PIN.match(rule)
            assert match, f"{name}: {line}"
            found[normal(match["name"])] = match["version"]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-gpu.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_and_has_a_reason(name: str) -> None:
    loose = {
        dist: rule for dist, rule in requirements(name).items() if not rule.startswith("==") and dist not in RANGES
    }
    assert not loose, loose
    rules = [line for line in (ROOT / name).read_text("utf-8").splitlines() if line.strip() and line[0] not in "#-"]
    assert not (bare := [line for line in rules if "#" not in line]), f"without a reason: {bare}"


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


# What may be missing: code that uses these says what happens without them.
OPTIONAL = {"spaces": "there on a ZeroGPU Space only", "bitsandbytes": "4-bit on a GPU", "unsloth": "a GPU extra"}
# Part of a pinned package's own interface, so that it follows that pin.
WITHIN = {
    "gradio-client": "gradio",
    "anyio": "gradio",
    "starlette": "gradio",
    "fastapi": "gradio",
    "uvicorn": "gradio",
    "mcp": "gradio",
}


@pytest.mark.parametrize(
    ("tops", "name"),
    [(("app.py", "studio", "training"), "requirements.txt"), (("tests", "scripts"), "requirements-dev.txt")],
    ids=["studio", "tests"],
)
def test_what_is_imported_is_required(tops: tuple[str, ...], name: str) -> None:
    homes = importlib.metadata.packages_distributions()
    ours = {"app", "studio", "training", "tests", "scripts"} | set(sys.stdlib_module_names)
    required = set(requirements(name))
    wrong: list[str] = []
    for path in python_files(*tops):
        for module in imported(path) - ours - set(OPTIONAL):
            wanted = {WITHIN.get(normal(dist), normal(dist)) for dist in homes.get(module, [module])}
            if not wanted & required:
                wrong.append(f"{shown(path)} imports {module}")
    assert not wrong, f"not in {name}: " + "; ".join(sorted(wrong))


def test_the_licence_is_whole() -> None:
    licence = (ROOT / "LICENSE").read_text("utf-8")
    assert "Apache License" in licence and "END OF TERMS AND CONDITIONS" in licence
