"""What a teacher is: where it is, what it is asked for and what it may cost (see `training.chat.cost`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from training.chat.endpoint import EndpointSpec
from training.data.record_reading import check_shares
from training.errors import DataError

Policy = Literal["refuse", "review", "trim"]


@dataclass(frozen=True, slots=True)
class TeacherSpec(EndpointSpec):
    """One teacher and how it is asked. Raises DataError where it can't work.

    `policy` says what becomes of a row whose gold holds what its text does not. `styles` () are all that the task's
    prompts know; `posts_per_row` of them are drawn for each source row. `slices` are weights by name: what the texts
    lack, or hold beside what was asked for; {} is plain texts alone.
    """

    temperature: float = 0.8
    policy: Policy = "refuse"
    styles: tuple[str, ...] = ()
    slices: Mapping[str, float] = field(default_factory=dict[str, float])
    posts_per_row: int = 1
    seed: int = 7

    whose: ClassVar[str] = "teacher"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {**EndpointSpec.limits, "posts_per_row": (1, 100)}

    def __post_init__(self) -> None:
        EndpointSpec.__post_init__(self)
        check_shares("slices", self.slices)
        if self.policy not in get_args(Policy):
            raise DataError(f"The policy {self.policy!r} is unknown.", fix=f"Use one of {', '.join(get_args(Policy))}.")
