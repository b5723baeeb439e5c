"""A task pack: one folder that says what is asked, what counts as an answer and what of a page a model is shown.

    task.yaml            prompts, sampling defaults, form of the answer, fields with their comparators, context rules
    output_schema.json   the contract, JSON Schema draft 2020-12
    task.md              the sections of `TASK_SECTIONS`, for people
    examples/            NAME.md or NAME.html with a front matter between --- lines: title, note, gold

Everything is checked when a pack is read; an error names the file, the key and the fix. Packs stand in `BUILTIN` and in
the user's own tasks folder, where a pack of the same name replaces the built-in one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from training.errors import InputError, PackError, StudioError
from training.task.evaluation import EvaluationSpec, read_evaluation
from training.task.pack_schema import checker, read_profiles, read_schema
from training.task.records import Sampling
from training.task.rules import ContextRules, read_rules
from training.task.sections import AnswerSpec, read_answer
from training.task.yamlfile import Reader, parse_yaml, read_utf8, read_yaml

BUILTIN = Path(__file__).resolve().parents[2] / "assets" / "tasks"
DEFAULT_TASK = "recipe-jsonld"  # what is chosen before anybody chooses: the task the embedded adapter was made for
TASK_SECTIONS = (
    "Goal", "Inputs", "Output contract", "Non-goals", "Failure modes", "Metrics", "Deployment target",
    "Cost and latency target",
)  # fmt: skip
FieldKind = Literal["scalar", "list", "steps", "duration", "set", "constant"]
Comparator = Literal[
    "exact", "text", "list_ingredient", "list_steps", "duration", "yield", "set", "ignore",
    "relevance", "insights", "companies", "summary",
]  # fmt: skip

FITS: Mapping[str, tuple[str, ...]] = {  # the kinds a comparator can compare; one that is not here compares any
    "list_ingredient": ("list", "steps"), "list_steps": ("list", "steps"), "insights": ("list",),
    "companies": ("list",), "duration": ("duration", "scalar"), "yield": ("scalar",), "set": ("set", "scalar"),
    "relevance": ("scalar",), "summary": ("scalar",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One top-level key of an answer: how it is compared and whether a record without it is unusable."""

    name: str
    comparator: Comparator
    critical: bool
    label: str
    kind: FieldKind


@dataclass(frozen=True, slots=True)
class Example:
    """A text to click. `gold` is the right answer ({} for "no recipe"), None where nobody knows it."""

    id: str
    title: str
    text: str
    kind: Literal["text", "html"]
    gold: dict[str, Any] | None
    note: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked task. `user` and `prompted_user` hold {source} exactly once, `prompted_user` also {schema}.

    `answer` says whether an answer is a JSON object or text in sections; {schema} stands for the form of either.
    `profiles` are other schemas by name, which answers are held against and never asked for.
    """

    name: str
    title: str
    description: str
    system: str
    user: str
    prompted_user: str
    sampling: Sampling
    fields: tuple[FieldSpec, ...]
    schema: dict[str, Any]
    context: ContextRules
    task_md: str
    examples: tuple[Example, ...]
    path: Path
    answer: AnswerSpec = field(default_factory=AnswerSpec)
    evaluation: EvaluationSpec = field(default_factory=EvaluationSpec)
    profiles: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def field(self, name: str) -> FieldSpec | None:
        """The field of that name, None when the pack declares none."""
        return next((spec for spec in self.fields if spec.name == name), None)


class Packs(dict[str, Pack]):
    """Packs by name. `broken` are those of a user that can't be read, by the name of their folder, with the reason."""

    def __init__(self, packs: Mapping[str, Pack], broken: Mapping[str, PackError]) -> None:
        super().__init__(packs)
        self.broken = dict(broken)


def find_packs(*roots: Path) -> Packs:
    """Every pack in the roots by name, the default task first; a later root wins.

    A root that is not there is skipped. A broken pack of a user's keeps the others from nothing: it stands in `broken`,
    and takes the place of a built-in one of its name, which is not what was asked for. A broken built-in one is raised.
    """
    packs: dict[str, Pack] = {}
    broken: dict[str, PackError] = {}
    for root in roots:
        for folder in _folders(root):
            packs.pop(folder.name, None)
            broken.pop(folder.name, None)
            try:
                packs[folder.name] = load_pack(folder)
            except PackError as err:
                if root == BUILTIN:
                    raise
                broken[folder.name] = err
    first = {name: pack for name, pack in packs.items() if name == DEFAULT_TASK}
    return Packs(first | packs, broken)


def _folders(root: Path) -> list[Path]:
    """The folders of a root that are meant as packs: not hidden ones, not what programs leave (__pycache__)."""
    try:
        folders = sorted(folder for folder in root.iterdir() if folder.is_dir()) if root.is_dir() else []
    except OSError as err:
        raise PackError(f"{root}: the folder can't be read ({err.strerror}).", fix="Check its permissions.") from err
    return [
        folder
        for folder in folders
        if not folder.name.startswith(".") and (not folder.name.startswith("_") or (folder / "task.yaml").exists())
    ]


def pack_named(name: str, packs: Mapping[str, Pack], error: type[StudioError] = InputError) -> Pack:
    """The pack of that name; an `error` that lists what there is where it is not among them.

    Where it is broken, what is wrong with it: as PackError, or as the `error` that the caller asks for.
    """
    if isinstance(packs, Packs) and (why := packs.broken.get(name)) is not None:
        raise why if error is InputError else error(str(why), fix=why.fix)
    if name not in packs:
        raise error(f"There is no task {name!r}.", fix=f"Choose one of: {', '.join(packs)}.")
    return packs[name]


def load_pack(folder: Path) -> Pack:
    """Read and check one pack folder. Raises PackError naming the file, the key and the fix."""
    if not folder.is_dir():
        raise PackError(f"{folder}: there is no such task folder.", fix="Check the path, or the task's name.")
    root = read_yaml(folder / "task.yaml")
    name = root.take("name", str)
    if name != folder.name:
        raise root.error("name", f"is {name!r} but the folder is {folder.name!r}", "Give both the same name.")
    schema = read_schema(folder / "output_schema.json")
    fields = root.each("fields", _field)
    _check_fields(fields, schema, root)
    answer = read_answer(root.sub("answer")) if root.has("answer") else AnswerSpec()
    _check_sections(answer, fields, root)
    pack = Pack(
        name=name,
        title=root.take("title", str),
        description=root.take("description", str),
        system=root.take("system", str, ""),
        user=_template(root, "user", ("{source}",)),
        prompted_user=_template(root, "prompted_user", ("{source}", "{schema}")),
        sampling=_sampling(root.sub("sampling")),
        fields=fields,
        schema=schema,
        context=read_rules(root.sub("context")),
        task_md=_task_md(folder / "task.md"),
        examples=_examples(folder / "examples", schema),
        path=folder,
        answer=answer,
        evaluation=read_evaluation(root.sub("evaluation")) if root.has("evaluation") else EvaluationSpec(),
        profiles=read_profiles(root.sub("profiles"), folder) if root.has("profiles") else {},
    )
    if pack.sampling.constrained and answer.kind == "text":
        raise root.error("sampling.constrained", "is true, and the answers are text", "Write false, or leave it out.")
    root.finish()
    return pack


def _template(root: Reader, key: str, placeholders: tuple[str, ...]) -> str:
    text = root.take(key, str)
    for placeholder in placeholders:
        if (count := text.count(placeholder)) != 1:
            raise root.error(key, f"holds {placeholder} {count} times", f"Write {placeholder} exactly once.")
    return text


def _sampling(row: Reader) -> Sampling:
    sampling = Sampling(
        temperature=row.take("temperature", float, 0.0),
        top_p=row.take("top_p", float, 1.0),
        top_k=row.take("top_k", int, 0),
        repetition_penalty=row.take("repetition_penalty", float, 1.0),
        max_new_tokens=row.take("max_new_tokens", int),
        seed=row.take("seed", int, 7),
        no_repeat_ngram=row.take("no_repeat_ngram", int, 0),
        constrained=row.take("constrained", bool, False),
    )
    limits = {
        "temperature": (0.0, 2.0), "top_p": (0.01, 1.0), "top_k": (0, 1000), "repetition_penalty": (0.5, 2.0),
        "max_new_tokens": (1, 8192), "seed": (0, 2**32 - 1), "no_repeat_ngram": (0, 512),
    }  # fmt: skip
    for key, (least, most) in limits.items():
        if not least <= getattr(sampling, key) <= most:
            raise row.error(key, f"is {getattr(sampling, key)}", f"Choose a number from {least} to {most}.")
    row.finish()
    return sampling


def _field(row: Reader) -> FieldSpec:
    spec = FieldSpec(
        name=row.take("name", str),
        comparator=cast("Comparator", row.one_of("comparator", get_args(Comparator))),
        critical=row.take("critical", bool),
        label=row.take("label", str),
        kind=cast("FieldKind", row.one_of("kind", get_args(FieldKind))),
    )
    if spec.kind not in (kinds := FITS.get(spec.comparator, (spec.kind,))):
        what = f"is {spec.comparator!r} for a field of kind {spec.kind}"
        raise row.error("comparator", what, f"It compares fields of kind {' or '.join(kinds)}.")
    return spec


def _check_fields(fields: tuple[FieldSpec, ...], schema: dict[str, Any], root: Reader) -> None:
    names = [spec.name for spec in fields]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise root.error("fields", f"names {', '.join(sorted(doubled))} twice", "Keep one row for each key.")
    known = schema.get("properties", {})
    if unknown := [name for name in names if name not in known]:
        raise root.error("fields", f"names {', '.join(unknown)}, which output_schema.json does not", "Name a property.")
    if missing := [name for name in known if name not in names]:
        raise root.error("fields", f"lacks {', '.join(missing)} of output_schema.json", "Add a row for each property.")


def _check_sections(answer: AnswerSpec, fields: tuple[FieldSpec, ...], root: Reader) -> None:
    """Every key has its section, and a section of one line holds no list."""
    if answer.kind == "json":
        return
    named = [section.field for section in answer.sections]
    if sorted(named) != sorted(spec.name for spec in fields):
        raise root.error(
            "answer.sections", f"has the fields {', '.join(named)}", "Give each row of `fields` one section."
        )
    lists = {spec.name for spec in fields if spec.kind in ("list", "steps")}
    for section in answer.sections:
        if (section.form == "list") != (section.field in lists):
            raise root.error(
                "answer.sections", f"has the form {section.form} for {section.field}", "Use list for lists only."
            )


def _task_md(file: Path) -> str:
    text = read_utf8(file)
    for section in TASK_SECTIONS:
        if not re.search(rf"^##\s+{re.escape(section)}\s*$", text, re.MULTILINE):
            raise PackError(f"{file}: the section '## {section}' is missing.", fix=f"Add a '## {section}' section.")
    return text


def _examples(folder: Path, schema: dict[str, Any]) -> tuple[Example, ...]:
    files = sorted(file for file in folder.glob("*") if file.is_file()) if folder.is_dir() else []
    return tuple(_example(file, schema) for file in files)


def _example(file: Path, schema: dict[str, Any]) -> Example:
    if file.suffix not in (".md", ".html"):
        raise PackError(f"{file}: an example ends in .md or .html.", fix="Rename it or move it away.")
    head = re.match(r"---\n(.*?)\n---\n", read_utf8(file), re.DOTALL)
    if head is None:
        raise PackError(f"{file}: the front matter is missing.", fix="Begin with title and gold between --- lines.")
    row = parse_yaml(head[1], file)
    gold = cast("dict[str, Any]", row.take("gold", dict)) if row.has("gold") else None
    example = Example(
        id=file.stem,
        title=row.take("title", str),
        text=read_utf8(file)[head.end() :].strip("\n") + "\n",
        kind="html" if file.suffix == ".html" else "text",
        gold=gold,
        note=row.take("note", str, ""),
    )
    row.finish()
    for error in checker(schema).iter_errors(gold) if gold is not None else ():
        at = "/".join(["gold", *(str(part) for part in error.absolute_path)])
        raise PackError(f"{file}: the key {at!r} breaks the schema: {error.message}.", fix="Correct the gold.")
    return example
