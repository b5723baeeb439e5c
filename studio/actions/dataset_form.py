"""The form of a new dataset: what its components hold becomes a spec, and the YAML of one. No Gradio.

With a teacher the rows are written by a model at an address of the person's own, with a judge they are scored by one.
Of a key the form knows the name, never the key: that stays in the environment or the keyring.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from studio.actions.form import number, optional, whole
from studio.deps import Deps
from studio.queries.dataset_offers import OFFLINE, menu_rows, teacher_styles
from training.chat.cost import Caps, Prices
from training.data.gates.plan import Quotas
from training.data.judge.plan import JudgeSpec
from training.data.makers import RenderSpec
from training.data.rows import UNKNOWN_LICENCE
from training.data.spec import DatasetSpec, FieldMapping, SourceSpec, SplitSpec, write_spec
from training.data.teacher.plan import TeacherSpec
from training.data.teacher.slices import PLAIN
from training.errors import DataError, StudioError
from training.task.pack import pack_named

NOT_HERE = "Nothing is kept on this Space, so no dataset can be made here."
TEACHER, JUDGE = "teacher", "judge"
# What one value of these may hold of the kept rows by default, in % as the field's text; "" for no limit.
QUOTAS = {
    name: "" if (share := getattr(Quotas(), name)) is None else f"{100 * share:g}"
    for name in ("group", "opening", "style", "slice")
}
WRITERS = {"studio": "the studio, offline and free", TEACHER: "a teacher model, asked over the network"}
_KEY_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class DataForm:
    """Plain values as the components give them, one a field; the component of the same name is the only other place.

    `file` is a path of this machine, `dataset` an id of the Hub or a folder like one. `mapping` rows are [field,
    column, rule] and count once `confirmed`; `styles`, `slices` and `teacher_slices` rows are [name, share], shares as
    weights. `rows` 0 takes all there are of a file or Hub dataset. `base` is the model whose tokens and context lengths
    are held against, "" for the embedded one's tokens alone; `golden` and `adversarial` count rows, 0 for none. What
    begins with `quota_` is the most, in % of the kept rows, that one group, opening, style or slice may hold, None or
    "" for no limit. `protect` are folders of versions or files of rows whose texts no row may repeat. What begins with
    `teacher_` counts with `writer` teacher alone: prices are for a million tokens, `teacher_cap` is money and
    `teacher_calls` are calls over all builds of that name, `teacher_key` names what holds the key. What begins with
    `judge_` is the same for who judges rows, where `judged`.
    """

    task: str = ""
    name: str = "my-dataset"
    kind: str = "grammar"
    file: str | None = ""
    dataset: str | None = ""
    subset: str | None = ""
    hub_split: str | None = "train"
    hub_slice: str | None = ""
    rows: float | None = 500
    licence: str | None = ""
    encoding: str | None = ""
    mapping: Sequence[Sequence[Any]] = ()
    confirmed: bool = False
    styles: Sequence[Sequence[Any]] = ()
    slices: Sequence[Sequence[Any]] = ()
    posts: float | None = 1
    personal: str = "mask"
    preset: str = "80/10/10"
    seed: float | None = 7
    base: str | None = ""
    golden: float | None = 0
    adversarial: float | None = 0
    by: str = "group"
    quota_group: float | str | None = QUOTAS["group"]
    quota_opening: float | str | None = QUOTAS["opening"]
    quota_style: float | str | None = QUOTAS["style"]
    quota_slice: float | str | None = QUOTAS["slice"]
    protect: Sequence[str] = ()
    writer: str = "studio"
    teacher_url: str | None = ""
    teacher_model: str | None = ""
    teacher_key: str | None = ""
    teacher_styles: Sequence[str] = ()
    teacher_slices: Sequence[Sequence[Any]] = ()
    teacher_posts: float | None = 1
    teacher_tokens: float | None = 1500
    teacher_at_once: float | None = 4
    teacher_price_in: float | str | None = None
    teacher_price_out: float | str | None = None
    teacher_cap: float | str | None = None
    teacher_calls: float | None = 1000
    judged: bool = False
    judge_url: str | None = ""
    judge_model: str | None = ""
    judge_key: str | None = ""
    judge_tokens: float | None = 2000
    judge_at_once: float | None = 4
    judge_price_in: float | str | None = None
    judge_price_out: float | str | None = None
    judge_cap: float | str | None = None
    judge_calls: float | None = 1000

    @classmethod
    def of(cls, values: Sequence[Any]) -> "DataForm":
        """Values in the order of the fields; a missing one fails here, not one component further."""
        return cls(**dict(zip(FIELDS, values, strict=True)))


FIELDS = tuple(f.name for f in fields(DataForm))


def not_on_a_space(deps: Deps) -> None:
    if deps.settings.space:
        raise DataError(NOT_HERE, fix="Run the studio on your own machine: everything works there, offline too.")


def spec_of_form(form: DataForm, deps: Deps) -> DatasetSpec:
    """The spec that the form describes. A StudioError names what can't be used."""
    not_on_a_space(deps)
    pack_named(form.task, deps.packs)
    teacher = _teacher(form, deps) if form.writer == TEACHER else None
    return DatasetSpec(
        task=form.task,
        name=form.name.strip(),
        sources=(_source(form),),
        render=_render(form) if teacher is None else RenderSpec(),
        gates=_gates(form),
        split=SplitSpec(
            preset=form.preset,
            by=form.by,
            golden=whole(form.golden or 0, "Golden rows", 0, 10**6),
            adversarial=whole(form.adversarial or 0, "Adversarial rows", 0, 10**6),
        ),
        tokenizer=(form.base or "").strip(),
        teacher=teacher,
        judge=JudgeSpec(**_endpoint(form, JUDGE)) if form.judged else None,
        protect=tuple(path.strip() for path in form.protect or () if path.strip()),
        seed=whole(form.seed, "Seed", 0, 2**32 - 1),
    )


def _gates(form: DataForm) -> dict[str, Any]:
    """Settings of the gates that differ from their defaults."""
    usual, quotas = Quotas(), dict[str, float | None]()
    for name in QUOTAS:
        percent = optional(getattr(form, f"quota_{name}"), f"Most of one {name}", 0.01, 100)
        share = None if percent is None else percent / 100
        if share != getattr(usual, name):
            quotas[name] = share
    personal = {} if form.personal == "mask" else {"personal": form.personal, "secrets": form.personal}
    return {**personal, **({"quotas": quotas} if quotas else {})}


def _render(form: DataForm) -> RenderSpec:
    styles, slices = menu_rows(form.task)
    return RenderSpec(
        styles=_shares(form.styles, styles, "Styles"),
        slices=_shares(form.slices, slices, "Slices"),
        posts_per_recipe=whole(form.posts, "Posts per recipe", 1, 50) if styles else 1,
        facts="random" if form.kind in ("grammar", "corpus") and form.task == "recipe-jsonld" else "given",
    )


def _teacher(form: DataForm, deps: Deps) -> TeacherSpec:
    """The teacher that the form describes. DataError where nothing would bound what it may cost."""
    every = teacher_styles(form.task, deps)
    styles = tuple(style for style in every if style in form.teacher_styles)
    if every and not styles:
        raise DataError("No style was chosen for the teacher.", fix="Tick at least one of them.")
    return TeacherSpec(
        **_endpoint(form, TEACHER),
        styles=() if styles == every else styles,
        slices=_shares(form.teacher_slices, [[PLAIN.name, 1.0]], "Slices"),
        posts_per_row=whole(form.teacher_posts, "Posts per recipe", 1, 100),
        seed=whole(form.seed, "Seed", 0, 2**32 - 1),
    )


def _endpoint(form: DataForm, whose: str) -> dict[str, Any]:
    """What the form says of the teacher or the judge, as fields of their specs."""

    def given(name: str) -> Any:
        return getattr(form, f"{whose}_{name}")

    key = (given("key") or "").strip()
    if key and not _KEY_NAME.fullmatch(key):  # not shown: it may be the key itself
        raise DataError(
            f"What stands under the {whose}'s Key is no name of a variable.",
            fix=f"Write its name in capitals, such as {whose.upper()}_API_KEY; the key itself belongs there, not here.",
        )
    prices = Prices(_money(given("price_in"), "Price in"), _money(given("price_out"), "Price out"))
    calls = whole(given("calls"), "Calls at most", 1, 10**7) if given("calls") else None
    caps = Caps(calls=calls, money=_money(given("cap"), "Spend at most"))
    if caps.calls is None and caps.money is None:
        raise DataError(
            f"Nothing bounds what the {whose} may cost.", fix="Fill in Spend at most, Calls at most, or both."
        )
    return {
        "base_url": (given("url") or "").strip(),
        "model": (given("model") or "").strip(),
        "key_env": key,
        "concurrency": whole(given("at_once"), "Calls at once", 1, 64),
        "max_tokens": whole(given("tokens"), "Tokens of an answer", 1, 200_000),
        "prices": prices,
        "caps": caps,
    }


def _money(given: float | str | None, what: str) -> float | None:
    return optional(given, what, 0, 1_000_000)


def _source(form: DataForm) -> SourceSpec:
    count = whole(form.rows, "Rows", 0, 10**9)
    if form.kind in OFFLINE:
        return SourceSpec(form.kind, rows=count)
    mapping = tuple(_mapped(line) for line in form.mapping if any(line)) if form.confirmed else ()
    licence = (form.licence or "").strip() or UNKNOWN_LICENCE
    common = {"rows": count, "mapping": mapping, "licence": licence}
    if form.kind == "file":
        encoding = (form.encoding or "").strip() if form.confirmed else ""
        return SourceSpec("file", path=(form.file or "").strip(), encoding=encoding, **common)
    dataset, subset = (form.dataset or "").strip(), (form.subset or "").strip()
    split = (form.hub_split or "").strip()
    part = (form.hub_slice or "").strip()
    return SourceSpec("hub", dataset=dataset, subset=subset, split=split, slice=part, streaming=True, **common)


def _mapped(line: Sequence[Any]) -> FieldMapping:
    given = [str(cell or "").strip() for cell in (*line, "", "", "")[:3]]
    if not given[0] or not given[1]:
        raise DataError(f"A line of the columns is half empty: {given}.", fix="Name a field and a column, or clear it.")
    return FieldMapping(*given)


def _shares(given: Sequence[Sequence[Any]], usual: list[list[Any]], what: str) -> Mapping[str, float]:
    """Shares that differ from the task's own; {} where they are just those."""
    shares: dict[str, float] = {}
    share: Any
    for line in given:
        name, share = (str(line[0] or "").strip(), line[1]) if len(line) == 2 else ("", None)
        if not name:
            continue
        try:
            shares[name] = number(float(share), f"{what}: {name}", 0, 1000)
        except (TypeError, ValueError):
            raise DataError(f"{what}: the share of {name} is {share!r}.", fix="Give it a number; 0 for none.") from None
    return {} if shares == {name: float(share) for name, share in usual} else shares


def form_yaml(form: DataForm, deps: Deps) -> str:
    """The YAML that builds what the form says."""
    return write_spec(spec_of_form(form, deps))


def meant_yaml(text: str, written: str, form: DataForm, deps: Deps) -> str:
    """What a click means: the YAML `text`, unless the form was changed since it last wrote its own, `written`.

    The page writes the YAML some moments after the form was changed; a click in between means the form. Where nothing
    was changed the YAML counts, as a person edited it or not. A StudioError where the form can't be used; beside a form
    that could not be used before either, only an empty YAML is one.
    """
    try:
        fresh = form_yaml(form, deps)
    except StudioError:
        if written or not text.strip():
            raise
        return text
    return text if fresh == written else fresh
