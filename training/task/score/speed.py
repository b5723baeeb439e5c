"""Figures that only who ran the model can give: times, tokens, bits (metrics A9, A11).

Promise: one place where seconds and bits become scores, so that every arm is timed by the same names. A time in a
batched call is no latency: `latency_scores` is for answers that were asked for one by one. Tokens a second compare
models with one tokenizer only; characters a second, and bits a byte, compare any.
"""

from training.task.records import Score


def latency_scores(
    gen_s: float, ttft_s: float | None, new_tokens: int, chars: int, prompt_tokens: int = 0
) -> list[Score]:
    """`latency_s`, `ttft_s`, `prefill_tokens_per_s` (of the prompt, until the first token is there), `tokens_per_s` (of
    decoding, the first token aside) and `chars_per_s` of one answer that was alone in its batch. What can't be told is
    None."""
    decoding = gen_s - ttft_s if ttft_s is not None else None
    per_token = (new_tokens - 1) / decoding if decoding and decoding > 0 and new_tokens > 1 else None
    read = prompt_tokens / ttft_s if ttft_s and prompt_tokens else None
    return [
        Score("latency_s", gen_s, n=1, explanation=f"One document alone took {gen_s:.2f} s."),
        Score("ttft_s", ttft_s, n=1, explanation="Seconds to the first token."),
        Score("prefill_tokens_per_s", read, n=1, explanation="Prompt tokens a second, until the first new token."),
        Score("tokens_per_s", per_token, n=1, explanation="Tokens a second while decoding."),
        Score("chars_per_s", chars / gen_s if gen_s > 0 else None, n=1, explanation="Characters a second in all."),
    ]


def token_score(new_tokens: int) -> Score:
    """`new_tokens` of an answer, in its own model's tokens."""
    return Score("new_tokens", float(new_tokens), n=1, explanation=f"The answer took {new_tokens} tokens.")


def bits_score(bits_per_byte: float | None, n_bytes: int) -> Score:
    """`bits_per_byte` of the right answer given the prompt; `n_bytes` of its UTF-8 weigh it among documents."""
    why = f"What the model would need to write the right answer's {n_bytes} bytes down."
    return Score("bits_per_byte", bits_per_byte, n=n_bytes, explanation=why)
