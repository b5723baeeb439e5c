"""Memory is what was taken while it was watched, whatever was taken and given back before."""

import numpy as np

from training.engine.device_facts import MemoryWatch

MB = 1_000_000


def test_what_was_given_back_before_is_not_counted() -> None:
    before = np.ones(400 * MB // 8)  # its pages are its own, and go back to the system with it
    size = before.nbytes
    with MemoryWatch("cpu") as large:
        large.look()
    del before
    with MemoryWatch("cpu") as small:
        small.look()
    assert large.peak - small.peak > size / 2, "the process' high-water mark would say the same twice"


def test_what_was_taken_and_given_back_meanwhile_is_counted() -> None:
    with MemoryWatch("cpu") as nothing:
        nothing.look()
    with MemoryWatch("cpu") as watch:
        taken = np.ones(300 * MB // 8)
        watch.look()
        del taken
    assert watch.peak - nothing.peak > 150 * MB
