"""The embedded model's tokenizer: byte-level BPE in which a space belongs to the word before it.

A word at the start of a line, after a bullet or after a JSON quote is then one and the same token, so copying a line
into JSON is copying tokens. Quotes and brackets form runs of their own, digits stand alone, every byte is covered.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

SPECIAL = ("<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
# A line break with its list mark, and the JSON between two objects, as one token each: the end of one line and the
# start of the next are then as near in the text as in the answer, which is what keeps a copy in its place.
MARKS = ("- ", "* ", "• ", "+ ", "▢ ", "☐ ", "– ", "> ", "· ", "□ ", "-- ", "[ ] ", "-> ", "-", "👉 ")
NUMBERED = ("{}. ", "{}) ", "Step {}: ", "Step {}. ", "STEP {}. ", "STEP {} - ")
STRUCTURE = (
    *("\n" + mark for mark in MARKS),
    *("\n" + form.format(n) for form in NUMBERED for n in range(1, 21)),
    '"},{"@type":"', '":[{"@type":"', '","text":"', '"}],"', '"}]}', "HowToStep",
)  # fmt: skip
PATTERN = r"""["\[\]{}][\[\]{}":,@]*|[\p{L}\p{M}]+ ?|\p{N} ?|\n+|[^\s\p{L}\p{M}\p{N}"\[\]{}] ?| +|\s"""
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def add_structure(tokenizer: Any) -> None:
    """Give STRUCTURE tokens of their own, after the learnt vocabulary."""
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in STRUCTURE])


def train_tokenizer(texts: Iterable[str], vocab_size: int, context_tokens: int, out: Path) -> None:
    """Train on `texts` and save a plain Transformers tokenizer with its chat template to `out`."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIAL),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|end|>",
        additional_special_tokens=list(SPECIAL[3:]),
        model_max_length=context_tokens,
        clean_up_tokenization_spaces=False,
    )
    add_structure(fast)
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(out)
