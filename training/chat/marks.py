"""Marks around text that nobody vouches for, so that no text can close the frame it stands in and pass for orders.

Limit: marks make orders in a text recognisable, they do not make a model deaf to them.
"""

from training.task.records import sha256_text

MARK_CHARS = 16


def mark_of(salt: str, *texts: str) -> str:
    """16 hex characters that stand in none of the texts; the same for the same texts on every machine.

    So that a question asked again is the same question, and its answer is found in the ledger.
    """
    mark = salt
    while True:
        mark = sha256_text("|".join((mark, *texts)))[:MARK_CHARS]
        if not any(mark in text for text in texts):
            return mark


def framed(name: str, mark: str, text: str) -> str:
    """A text between its marks, on lines of its own."""
    return f"<<{name}-{mark}>>\n{sendable(text)}\n<</{name}-{mark}>>"


def sendable(text: str) -> str:
    """Text as HTTP can carry it: halves of characters become "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
