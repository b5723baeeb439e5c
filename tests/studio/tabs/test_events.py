"""How the window's events are given to Gradio."""

import json
import re

from studio.tabs.events import asking
from tests.studio.conftest import Window


def test_nothing_is_marked_as_under_way_but_what_shows_it(window: Window) -> None:
    """Gradio's page searches itself for every component in such a list at every event, ticks included."""
    own = [event for event in window.app.config["dependencies"] if event["backend_fn"] and event["targets"]]
    assert len(own) > 30
    for event in own:
        marked = event["outputs"] if event["show_progress_on"] is None else event["show_progress_on"]
        assert len(marked) <= (0 if event["show_progress"] == "hidden" else 12), event


def test_a_question_reaches_the_server_as_the_id_or_as_nothing() -> None:
    words = asking('Delete "this"?')
    found = re.search(r"window\.confirm\((.*)\) \? id", words["js"])
    assert found is not None and json.loads(found[1]) == 'Delete "this"?'
    assert words["trigger_mode"] == "multiple"
