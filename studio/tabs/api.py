"""placeholder"""

from studio.deps import Deps


def build(deps: Deps) -> None:
    return None
