"""What judging an evaluation will take, before anybody is asked (metrics C7): a dry run that sends nothing.

Answers that the cache holds already cost nothing. Retries and re-asks come on top.
"""

from collections.abc import Iterable, Iterator

from training.chat.cost import Estimate, estimate
from training.chat.exchange import Request
from training.evals.judge.ask import Question
from training.evals.judge.cache import VerdictCache
from training.evals.judge.config import JudgeSettings
from training.evals.judge.protocol import Asker, messages_for, question_key

VERDICT_CHARS = 120  # around the fields of a verdict
FIELD_CHARS = 260  # what one field's evidence and score usually take
PAIR_CHARS = 700
_NONCE = "0" * 16


def estimate_questions(
    questions: Iterable[Question], asker: Asker, settings: JudgeSettings, cache: VerdictCache
) -> Estimate:
    """The cost of these questions, with those answered already told apart."""
    known: dict[str, str] = {}
    pointwise = VERDICT_CHARS + FIELD_CHARS * len(asker.groups)

    def asks() -> Iterator[tuple[Request, int]]:
        for question in questions:
            pairwise = question.material.second is not None
            key = question_key(asker, settings, question.material, question.order, question.repeat)
            messages = messages_for(asker, question.material, _NONCE)
            params = settings.params(asker.schema(pairwise))
            request = Request(settings.base_url, settings.model, params, key, messages)
            known[request.key] = key
            yield request, PAIR_CHARS if pairwise else pointwise

    return estimate(asks(), settings, lambda request: cache.knows(known[request]))
