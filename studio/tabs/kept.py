"""What a browser keeps from one visit to the next, as JavaScript for an event: text under a name.

Not a gr.BrowserState: one in a tab that is not open is still empty while the page loads.
"""


def recalling(name: str) -> str:
    """Gives a handler what this browser keeps under `name` in place of its input; "" where it keeps nothing."""
    return f"() => [tasteTest.recall('{name}')]"


def keeping(name: str) -> str:
    """Keeps an event's one input under `name`; an empty one changes nothing."""
    return f"(text) => tasteTest.keep('{name}', text)"
