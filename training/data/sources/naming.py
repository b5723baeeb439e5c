"""What a source is called in rows, reports and cards: never by a path of somebody's machine."""

from dataclasses import replace

from training.data.spec import SourceSpec
from training.typed_path import typed_path


def named(spec: SourceSpec) -> SourceSpec:
    """The source with a name: the one it was given, of a dataset in a folder here that folder's alone, else its own."""
    place = typed_path(spec.dataset, "The dataset")
    here = spec.kind == "hub" and not spec.name and place.exists()
    return replace(spec, name=place.resolve().name if here else spec.origin)
