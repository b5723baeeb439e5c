"""How the parts of a news answer are compared: relevance, company names, insights, summary (metrics A4, A8, A9).

Relevance is a whole number from `LEAST` to `MOST`; anything else is invalid, worth the largest error its gold allows,
and never clipped into range. Companies are the same where their names are, legal form aside. Limits: `ALIASES` knows
a handful of names, and a subsidiary is another company than its owner.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from statistics import median

from rapidfuzz.distance import LCSseq

from training.task.score.text import fold, keys_of, word_key, words_of

LEAST, MOST = 1, 10
TAG_WORDS = 4  # median words of a list whose items are tags rather than sentences
INSIGHT_TAU = 0.5  # ROUGE-L from which two sentences say the same
LEGAL_FORMS = frozenset(
    word_key(word)
    for word in words_of(
        "inc incorporated ltd limited llc llp lp plc corp corporation co company gmbh kg ag se sa sas sarl srl spa bv "
        "nv ab oy asa aps kk pte pty pbc holding"
    )
)
ALIASES = {  # by token keys without legal form
    "aws": "amazon web service",
    "facebook": "meta",
    "meta platform": "meta",
    "google deepmind": "deepmind",
    "open ai": "openai",
    "international business machine": "ibm",
    "hugging face": "huggingface",
}


def relevance_value(value: object) -> int | None:
    """The number where it is a whole one from `LEAST` to `MOST` (7.0 is 7, as JSON Schema has it), else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if LEAST <= value <= MOST and value == int(value) else None


def relevance_error(gold: int, pred: object) -> float:
    """Steps between the two; a missing or invalid one costs as much as the gold allows: max(gold - 1, 10 - gold)."""
    given = relevance_value(pred)
    return float(abs(gold - given) if given is not None else max(gold - LEAST, MOST - gold))


@lru_cache(maxsize=2_000)
def company_key(name: str) -> str:
    """A company's name without case, legal form, leading "the" and spelling of its dots; aliases as one name."""
    words = keys_of(re.sub(r"\b(\w)\.(?=\w\b)", r"\1", name))
    words = words[1:] if words[:1] == ["the"] and len(words) > 1 else words
    while len(words) > 1 and words[-1] in LEGAL_FORMS:
        words = words[:-1]
    key = " ".join(words) or fold(name)
    return ALIASES.get(key, key)


def company_forms(name: str) -> tuple[str, ...]:
    """The token keys, joined by spaces, that a text may name this company by: as written, bare, and its aliases."""
    key = company_key(name)
    return tuple(dict.fromkeys([" ".join(keys_of(name)), key, *(alias for alias, of in ALIASES.items() if of == key)]))


@lru_cache(maxsize=2_000)
def tag_key(tag: str) -> str:
    """A tag without case, plural and punctuation."""
    return " ".join(keys_of(tag)) or fold(tag)


def tag_like(texts: Sequence[str]) -> bool:
    """Whether a list's items are tags: `TAG_WORDS` words or fewer at the median. An empty list is none."""
    return bool(texts) and median(len(keys_of(text)) for text in texts) <= TAG_WORDS


def rouge_l(left: str, right: str) -> float:
    """2 * longest common subsequence of words / all words, 0..1; symmetric, 0 where either side has no words.

    The F-measure of ROUGE-L (Lin 2004) at equal weight, over keys without case, accents and plural endings.
    """
    a, b = keys_of(left), keys_of(right)
    return 2 * LCSseq.similarity(a, b) / (len(a) + len(b)) if a and b else 0.0
