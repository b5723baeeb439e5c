"""Headings of a temperature sweep: the same model, one column a temperature."""

from studio.views.markup import Html, el, number

FEEL = (
    (0.0, "greedy: always the likeliest token"),
    (0.5, "close to greedy"),
    (0.9, "varied"),
    (1.2, "as trained"),
    (2.0, "wild"),
)


def sweep_label(temperature: float) -> str:
    """'T 0.7': short, unique in a sweep, used as the arm's label."""
    return f"T {number(float(temperature))}"


def sweep_words(temperature: float) -> str:
    """What a temperature does, for someone who never set one."""
    return next((words for most, words in FEEL if temperature <= most), "very wild")


def sweep_heading(name: str, temperatures: tuple[float, ...], seed: int) -> Html:
    """One line over the columns: what is swept, and that the seed stays."""
    values = ", ".join(number(float(value)) for value in temperatures)
    return el(
        "p",
        el("strong", name),
        f" at temperatures {values}. One sample each, seed {seed}: another seed gives other answers.",
        cls="tt-insight",
    )
