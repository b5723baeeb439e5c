"""What a source is called in rows, reports and cards: never by a path of somebody's machine."""

import os
from dataclasses import replace

from training.data.spec import SourceSpec, user_path


def named(spec: SourceSpec) -> SourceSpec:
    """The source with a name: the one it was given, of a dataset in a folder here that folder's alone, else its own."""
    place = user_path(spec.dataset)
    here = spec.kind == "hub" and not spec.name and os.path.exists(place)
    return replace(spec, name=place.resolve().name if here else spec.origin)
