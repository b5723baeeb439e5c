"""From a context to the exact tokens a model reads.

Promise: the chat template is applied once, the text holds one leading BOS where the tokenizer or its template wants
one and none otherwise, the generation prompt stands whole at the end, and a control marker that stands in the pasted
text (`<|im_end|>` and the like) is encoded as the characters it is, never as the token. Limits: a model without a
chat template gets the turns as paragraphs, then `PLAIN_ENDING`, a layout no such model was tuned on.

Template variables that would change a prompt from day to day or switch on hidden reasoning are pinned in
`TEMPLATE_VARIABLES`; templates that do not know them ignore them.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

from jinja2 import TemplateError

from training.errors import InputError, ModelError
from training.task.pack import Pack
from training.task.records import Context, Message, Prompt, sha256_text
from training.task.sections import layout

PLAIN_ENDING = "\n\nAnswer:\n"
TEMPLATE_VARIABLES: dict[str, Any] = {"enable_thinking": False, "date_string": "26 Jul 2024"}


class ChatTokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    chat_template: Any
    bos_token: str | None
    all_special_tokens: list[str]

    def apply_chat_template(self, conversation: list[dict[str, str]], **kwargs: Any) -> Any: ...

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]: ...


def messages_for(pack: Pack, shown_text: str, prompted: bool = False) -> tuple[Message, ...]:
    """The pack's system and user turn around `shown_text`; `prompted` puts the whole schema into the user turn.

    Only the template's own placeholders are filled: `{schema}` or `{source}` inside the text stays as it is.
    """
    before, _, after = (pack.prompted_user if prompted else pack.user).partition("{source}")
    if prompted:
        schema = schema_text(pack)
        before, after = before.replace("{schema}", schema), after.replace("{schema}", schema)
    user = Message("user", before + shown_text + after)
    return (Message("system", pack.system), user) if pack.system else (user,)


def schema_text(pack: Pack) -> str:
    """The contract as the prompted arm reads it: compact JSON without `$schema`, so that it costs few tokens.

    Where the answer is text it is the layout of its sections.
    """
    if pack.answer.kind == "text":
        return layout(pack.answer)
    shown = {key: value for key, value in pack.schema.items() if key != "$schema"}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


def request_words(pack: Pack) -> str:
    """What a program is asked, word for word, with "(the text)" in the place of the text: for whoever judges it."""
    request = pack.user.replace("{source}", "(the text)").strip()
    return request.replace("{schema}", schema_text(pack))


def render_prompt(pack: Pack, context: Context, tokenizer: ChatTokenizer, *, prompted: bool = False) -> Prompt:
    """What `context` shows as the tokens a model is given. Raises ModelError where the chat template can't be used."""
    return render_messages(messages_for(pack, context.shown, prompted), tokenizer)


def render_messages(messages: Sequence[Message], tokenizer: ChatTokenizer) -> Prompt:
    """Render messages once, generation prompt included; `Prompt.messages` are the ones really sent."""
    if tokenizer.chat_template:
        sent, text = _through_template(tuple(messages), tokenizer)
    else:
        sent, text = tuple(messages), _plain(messages)
    text = _one_bos(text, tokenizer)
    ids = _encode(text, sent, tokenizer)
    return Prompt(messages=sent, text=text, token_ids=ids, sha256=sha256_text(text))


def check_fits(prompt_tokens: int, max_new_tokens: int, context_tokens: int) -> None:
    """Refuse with InputError, in numbers, when prompt and answer budget exceed the model's context. Nothing is cut."""
    if prompt_tokens + max_new_tokens > context_tokens:
        left = context_tokens - prompt_tokens
        lower = f"lower the answer budget to {left:,} or less, " if left > 0 else ""
        raise InputError(
            f"The prompt takes {prompt_tokens:,} tokens and the answer up to {max_new_tokens:,}, "
            f"but this model reads {context_tokens:,} in all.",
            fix=f"Switch the context step on, {lower}shorten the text or pick a model with a longer context.",
        )


def room_for_source(
    pack: Pack, tokenizer: ChatTokenizer, context_tokens: int, max_new_tokens: int, *, prompted: bool = False
) -> int:
    """Tokens left for source text beside the prompt's own words and the answer budget (0 or less: none).

    Eight tokens are kept back because text joined to its neighbours may split into other tokens than on its own.
    """
    empty = render_messages(messages_for(pack, "", prompted), tokenizer)
    return context_tokens - max_new_tokens - empty.tokens - 8


def fitting_answer(pack: Pack, tokenizer: ChatTokenizer, context_tokens: int, *, prompted: bool = False) -> int:
    """An answer budget that leaves the source as many tokens as the answer; 0 where there is room for neither."""
    return max(0, room_for_source(pack, tokenizer, context_tokens, 0, prompted=prompted) // 2)


def _through_template(messages: tuple[Message, ...], tokenizer: ChatTokenizer) -> tuple[tuple[Message, ...], str]:
    """Try the messages as they are, then with the system turn merged into the user turn (Gemma 2 refuses one)."""
    attempts = (messages, _merged(messages)) if messages[0].role == "system" else (messages,)
    error: Exception | None = None
    for attempt in attempts:
        conversation = [{"role": m.role, "content": m.content} for m in attempt]
        try:
            text = tokenizer.apply_chat_template(
                conversation, tokenize=False, add_generation_prompt=True, **TEMPLATE_VARIABLES
            )
        except (TemplateError, ValueError) as refused:
            error = refused
            continue
        if all(m.content.strip() in text for m in attempt):
            return attempt, text
    raise ModelError(
        f"This model's chat template can't hold the prompt: {error or 'it drops or rewrites what it is given'}.",
        fix="Use a model whose chat template takes a plain user turn, or one without a template.",
    ) from error


def _merged(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    system, user, *rest = messages
    return (Message("user", f"{system.content}\n\n{user.content}"), *rest)


def _plain(messages: Sequence[Message]) -> str:
    paragraphs = [PLAIN_ENDING.lstrip() + m.content if m.role == "assistant" else m.content for m in messages]
    return "\n\n".join(paragraphs) + PLAIN_ENDING


def _one_bos(text: str, tokenizer: ChatTokenizer) -> str:
    """Exactly one leading BOS where template or tokenizer writes one, or where there is no template to ask."""
    bos = tokenizer.bos_token
    if not bos:
        return text
    bare = text
    while bare.startswith(bos):
        bare = bare.removeprefix(bos)
    habit = tokenizer.encode("a") != tokenizer.encode("a", add_special_tokens=False)
    wanted = bare != text or not tokenizer.chat_template
    if not wanted and habit:
        wanted = tokenizer.encode("a")[:1] == tokenizer.encode(bos, add_special_tokens=False)[:1]
    return bos + bare if wanted else bare


@lru_cache(maxsize=4)
def _control_markers(tokenizer: ChatTokenizer) -> tuple[str, ...]:
    """Strings the tokenizer turns into control tokens: its special ones and those its template writes."""
    added: dict[int, Any] = getattr(tokenizer, "added_tokens_decoder", {})
    template = str(tokenizer.chat_template or "")
    found = {str(token) for token in added.values() if token.special or (str(token) in template)}
    found |= set(tokenizer.all_special_tokens)
    return tuple(sorted(marker for marker in found if len(marker) > 1 and marker.strip()))


def _encode(text: str, messages: Sequence[Message], tokenizer: ChatTokenizer) -> tuple[int, ...]:
    """Token ids of `text`; a control marker inside a message is broken after its first character before encoding."""
    cuts: list[int] = []
    at = 0
    for message in messages:
        content = message.content.strip()
        start = text.index(content, at)
        at = start + len(content)
        for marker in _control_markers(tokenizer):
            hit = content.find(marker)
            while hit >= 0:
                cuts.append(start + hit + 1)
                hit = content.find(marker, hit + 1)
    edges = [0, *sorted(set(cuts)), len(text)]
    ids: list[int] = []
    for left, right in pairwise(edges):
        ids.extend(tokenizer.encode(text[left:right], add_special_tokens=False))
    return tuple(ids)
