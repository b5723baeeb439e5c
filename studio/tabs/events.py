"""How the window's own events are given to Gradio: no spinner, and a question before what can't be undone."""

import json
from typing import Any

# On every event Gradio's page marks each component that progress could be shown on, by a search of the whole page: with
# all outputs of all events in that list, the ticks alone kept a laptop's browser busy. An empty list marks none.
QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
SLOW: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}  # of what takes seconds


def asking(words: str) -> dict[str, Any]:
    """Arguments of an event whose first input is the id of what would go. `words`: the question, in plain text.

    A no reaches the server as an empty id, which changes nothing there. A click counts while the answer to an earlier
    no is still under way: by default Gradio would drop it.
    """
    question = json.dumps(words)
    return {
        "js": f'(id, ...rest) => [id && window.confirm({question}) ? id : "", ...rest]',
        "trigger_mode": "multiple",
    }
