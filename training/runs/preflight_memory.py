"""The part of a preflight on memory: what a run is reckoned to hold, and what measured steps leave out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from training.runs.config import RunConfig
from training.runs.records import Check

if TYPE_CHECKING:
    from training.engine.run_memory import MemoryParts
    from training.engine.run_needs import BaseSeen

AFTER = 1.1  # of the steps' peak: a whole run of crumb, dev loss and evaluation in it, held 2156 MB after steps of 1985


def memory_checks(
    config: RunConfig, base: "BaseSeen", trainable: int | None, parts: "MemoryParts | None"
) -> Iterator[Check]:
    """What can't fit stops the run; what is only reckoned not to fit is a warning, since it may be a third off."""
    from training.engine.run_needs import least_memory, memory_there

    if trainable is None:
        words = f"Not known until the weights of {base.name} are here: the hub does not say how large they are."
        yield Check("memory", "wait", words)
        return
    there, least = memory_there(), least_memory(config, base, trainable)
    if least is not None and least > there:
        words = f"Weights, gradients and optimizer alone take {gb(least)}; there are {gb(there)}."
        yield Check("memory", "stop", words, "Take a smaller base, method lora, or qlora on a GPU.")
    elif parts is not None:
        words = f"About {gb(parts.total)} at the peak, reckoned: {_parts_words(config, parts)}. There are {gb(there)}."
        if parts.total > there:
            fix = "Halve batch_size and double grad_accumulation, lower max_length"
            fix += "." if config.gradient_checkpointing else ", or set gradient_checkpointing."
            yield Check("memory", "warn", words, fix)
        else:
            yield Check("memory", "ok", words)


def _parts_words(config: RunConfig, parts: "MemoryParts") -> str:
    rows = f"{parts.rows:,} rows of up to" if parts.rows > 1 else "one row of"
    again = ", computed again layer by layer" if config.gradient_checkpointing else ""
    trained = "gradients and optimizer" if config.method == "full" else "the adapter with its gradients and optimizer"
    told = [
        (parts.process, "the process itself"),
        (parts.weights, "the base's weights"),
        (parts.trained, trained),
        (parts.layers, f"what its layers keep of the largest batch, {rows} {parts.width:,} tokens{again}"),
        (parts.scores, "scores of every word for each learnt token"),
    ]
    return "; ".join(f"{gb(count)} {what}" for count, what in told if count)


def whole_run(config: RunConfig, steps_bytes: int) -> int:
    """The peak of a run whose steps alone were measured to take `steps_bytes`."""
    more = config.eval_steps or config.sample_steps or config.evaluate_rows
    return round(steps_bytes * AFTER) if more else steps_bytes


def gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
