"""The checks of the run form, and how they are there again after a refresh: kept by this browser, as data, with the
settings that they are of. What comes back is shown only beside those very settings, and anything else is no check.

A start checks as well, without timing steps: its checks take the place of those shown, and what was measured of the
same settings stays with them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from studio.actions.run_form import filled
from studio.deps import Deps
from studio.guard import Visit
from studio.queries.runs import records
from studio.tabs.kept import form_of
from studio.tabs.train_view import SAME
from studio.views import dataset_rows as row_views
from studio.views import run_form as views
from studio.views.markup import note


class CheckView(NamedTuple):
    """The checks before a start, two rows as they are learned, and both as this browser keeps them."""

    preflight: Any = SAME
    tokens: Any = SAME
    checked: Any = SAME


class Token(NamedTuple):
    """A kept token, as its view takes it."""

    id: int
    text: str
    learned: bool


def check_view(found: Any, rows: Sequence[Sequence[Any]], base: str) -> CheckView:
    """A preflight as plain JSON, and rows of tokens; no rows leave those that are shown."""
    tokens = "".join(row_views.tokens_html(row, base) for row in rows)
    return CheckView(views.preflight_html(found), tokens or SAME)


def kept_check(config: Any, found: Any, rows: Sequence[Sequence[Any]]) -> str:
    """The same as text: the settings by their hash, the preflight, the rows."""
    plain = [[[token.id, token.text, token.learned] for token in row] for row in rows]
    return _kept(config, records(found), plain)


def _kept(config: Any, found: Mapping[str, Any], rows: Sequence[Any]) -> str:
    return json.dumps({"config": config.sha256, "base": config.base, "found": found, "rows": rows})


def started_check(kept: str | None, config: Any, found: Any) -> CheckView:
    """The checks of a start in place of those shown. Of the same settings, what was measured and the rows stay."""
    was, plain = form_of(kept), records(found)
    if was.get("config") != config.sha256:
        shown = check_view(plain, [], config.base)
        return shown._replace(tokens=note(views.NO_TOKENS), checked=_kept(config, plain, []))
    try:
        told = _measured(plain, was["found"])
        return check_view(told, [], config.base)._replace(checked=_kept(config, told, list(was["rows"])))
    except (KeyError, TypeError, ValueError, AttributeError):  # another studio's, or nobody's
        return check_view(plain, [], config.base)._replace(checked=_kept(config, plain, []))


def _measured(found: Mapping[str, Any], was: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checks of a start with the time that was measured before, where they have none themselves."""
    times = [check for check in was["checks"] if check["name"] == "time"]
    stopped = any(check["state"] == "stop" for check in found["checks"])
    if stopped or not found["estimate"] or not was["estimate"] or not was["estimate"]["measured_steps"]:
        return found
    checks = [check for check in found["checks"] if check["name"] != "time"]
    return {**found, "checks": [*checks, *times], "estimate": was["estimate"]}


def on_checked(deps: Deps, visit: Visit, kept: str | None, *values: Any) -> CheckView:
    """What the last check found, where the form still holds what was checked."""
    was, config = form_of(kept), filled(values).config
    if config is None or was.get("config") != config.sha256:
        return CheckView()
    try:
        rows = [[Token(*token) for token in row] for row in was["rows"]]
        return check_view(was["found"], rows, str(was["base"]))
    except (KeyError, TypeError, ValueError, AttributeError):  # another studio's, or nobody's
        return CheckView()
