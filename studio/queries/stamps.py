"""Whether files changed since a view was drawn: one short string of their names, times and sizes."""

import zlib
from pathlib import Path


def stamp(*paths: Path) -> str:
    """The stamp of the files that are there; "" where none is."""
    found: list[str] = []
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append(f"{path.parent.name}/{path.name} {stat.st_mtime_ns:x} {stat.st_size:x}")
    return f"{zlib.crc32(' '.join(found).encode()):08x}{len(found)}" if found else ""
