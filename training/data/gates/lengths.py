"""Length against the target model: prompt and answer apart, then both in its context. Nothing is cut.

Counted in the tokens of the plan's counter, over the same turns that the studio sends; what a chat template adds is
the plan's allowance `template_tokens`. The text a row holds is counted whole: what of a long page a model will be
shown is decided before a row is made.
"""

from training.data.gates.plan import GatePlan
from training.data.rows import DataRow, Refusal, answer_text
from training.task.prompt import messages_for


def length(row: DataRow, plan: GatePlan) -> Refusal | None:
    """Refused where prompt or answer is longer than its limit, or both together than the model's context."""
    if plan.count_tokens is None:
        return None
    limits = plan.lengths
    turns = messages_for(plan.pack, row.source)
    prompt = sum(plan.count_tokens(turn.content) for turn in turns) + limits.template_tokens
    answer = plan.count_tokens(answer_text(row.gold))
    most = plan.pack.sampling.max_new_tokens if limits.answer_tokens is None else limits.answer_tokens
    if limits.prompt_tokens is not None and prompt > limits.prompt_tokens:
        return _refusal(f"The prompt takes {prompt:,} tokens, the limit is {limits.prompt_tokens:,}", prompt, answer)
    if answer > most:
        return _refusal(f"The answer takes {answer:,} tokens, the limit is {most:,}", prompt, answer)
    if limits.context_tokens is not None and prompt + answer > limits.context_tokens:
        words = f"Prompt and answer take {prompt + answer:,} tokens, the model reads {limits.context_tokens:,} in all"
        return _refusal(words, prompt, answer)
    return None


def _refusal(reason: str, prompt: int, answer: int) -> Refusal:
    return Refusal("length", f"{reason}.", f"prompt {prompt} tokens, answer {answer} tokens")
