"""A path that a person typed, looked at before anything opens it. No system takes each text as a path: `~nobody/x` has
no home, a name can be too long, a link can lead to itself. Here that is an InputError, not a trace.
"""

from pathlib import Path

from training.errors import InputError

MOST = 1000  # characters; a path of macOS ends at 1,024, one of Windows before that
SHOWN = 60  # characters of it that an error repeats


def typed_path(text: str, what: str, start: Path | None = None) -> Path:
    """`text` as a path with its `~` replaced; with `start` absolute, from there. It need not be there.

    InputError that names `what` (a field, a flag) where this machine can't have such a path or may not look at it.
    """
    if len(text) > MOST:
        reason = f"has {len(text):,} characters, more than any path"
        raise InputError(f"{what} {text[:SHOWN]!r}… {reason}.", fix="Give a name, or a path on this machine.")
    try:
        path = Path(text).expanduser()
        path = path if start is None else (start / path).resolve()
        path.exists()
    except (OSError, RuntimeError, ValueError) as err:
        reason = getattr(err, "strerror", None) or str(err)
        shown = repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}…"
        words = f"{what} {shown} can't be a path here: {reason.rstrip('.')}."
        raise InputError(words, fix="Give a name, or a path on this machine.") from err
    return path
