"""What a judge of rows is: where it is and what it may cost. Its acceptance rule stands with the gates (`Rubric`)."""

from dataclasses import dataclass
from typing import ClassVar

from training.chat.endpoint import EndpointSpec


@dataclass(frozen=True, slots=True)
class JudgeSpec(EndpointSpec):
    """One judge and how it is asked. Raises DataError where it can't work."""

    max_tokens: int = 2000

    whose: ClassVar[str] = "judge"
