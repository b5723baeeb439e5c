"""What can be known to be wrong with a build before its first row is made and before anybody is paid."""

from pathlib import Path

from training.chat.keys import find_key
from training.data.build_cost import endpoints
from training.data.build_gates import check_protected, gate_settings
from training.data.makers import RenderSpec
from training.data.sources.locked import refuse_locked
from training.data.spec import DatasetSpec
from training.errors import DataError


def check_first(spec: DatasetSpec, home: Path) -> None:
    """DataError for shares beside a teacher, a key that is not there, a source of locked rows, and texts to keep out
    that are not there; ModelError for a base that is not there."""
    if spec.teacher is not None and spec.render != RenderSpec():
        raise DataError(
            f"The spec of {spec.name} has render beside a teacher, who writes in styles and slices of its own.",
            fix="Take the teacher out; or take render out, and say under teacher which styles and slices it writes.",
        )
    for asked in endpoints(spec):  # a judge's missing key is told before its teacher is paid
        find_key(asked.key_env, whose=asked.whose)
    for source in spec.sources:
        refuse_locked(spec.resolved(source))
    check_protected(spec)
    if spec.tokenizer:
        _check_base(spec, home)


def _check_base(spec: DatasetSpec, home: Path) -> None:
    from training.engine.counting import token_counter

    token_counter(spec.tokenizer, home)
    gate_settings(spec, home)
