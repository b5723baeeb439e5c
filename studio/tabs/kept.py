"""What a browser keeps from one visit to the next, as JavaScript for an event: text under a name.

Not a gr.BrowserState: one in a tab that is not open is still empty while the page loads.
"""

import json
from collections.abc import Sequence
from typing import Any


def recalling(*names: str) -> str:
    """Gives a handler what this browser keeps under `names` in place of its inputs; "" where it keeps nothing."""
    recalled = ", ".join(f"tasteTest.recall('{name}')" for name in names)
    return f"() => [{recalled}]"


def keeping(name: str) -> str:
    """Keeps an event's one input under `name`; an empty one changes nothing."""
    return f"(text) => tasteTest.keep('{name}', text)"


def recalling_first(name: str) -> str:
    """The same for a handler with further inputs, which stay as they are."""
    return f"(_, ...values) => [tasteTest.recall('{name}'), ...values]"


def keeping_form(name: str, fields: Sequence[str]) -> str:
    """Keeps an event's inputs together under `name`, as JSON by `fields`."""
    return f"(...values) => tasteTest.keepForm('{name}', {json.dumps(list(fields))}, values)"


def form_of(text: str | None) -> dict[str, Any]:
    """What was kept so, by its fields. A browser may send anything in its place: that is {}."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
