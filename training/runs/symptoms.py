"""How a run learns, read from its curves or from its answers, and what to change then. No torch.

Promise: `findings` names a symptom only where the figures show it, with the figures; `help_for` takes what a person
sees in the answers. Limits: losses say how a run goes, never which run is best: that is for the task's own metric.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from training.runs.advice import usable
from training.runs.config import RunConfig
from training.runs.records import Advice, Step

FLAT, RISING, JUMPING, OVERFIT = "flat", "rising", "jumping", "overfit"
UNDERFIT, FORMAT, FORGETTING, LONG_TEXTS = "underfit", "format", "forgetting", "long_texts"
SYMPTOMS: Mapping[str, str] = {
    FLAT: "The loss does not fall.",
    RISING: "The loss rises.",
    JUMPING: "The loss jumps.",
    OVERFIT: "It learns the rows by heart: the loss falls, the dev loss rises.",
    UNDERFIT: "It still answers like the base.",
    FORMAT: "The form of the answers is unsteady.",
    FORGETTING: "It forgot what the base could do.",
    LONG_TEXTS: "Long texts defeat it.",
}
LEAST_STEPS = 20  # with a loss, before anything is said of a curve
LEAST_FALL = 0.05  # of the first quarter's mean, else the curve is flat
JUMP = 2.0  # times the median of the eight steps before
DEV_RISE = 0.02  # above the lowest dev loss, at two evaluations or more


@dataclass(frozen=True, slots=True)
class Finding:
    """A symptom with the figures that show it, and what helps."""

    symptom: str
    words: str
    advice: tuple[Advice, ...]


def findings(steps: Sequence[Step], config: RunConfig) -> tuple[Finding, ...]:
    """What the curves of a run show, worst first; nothing before `LEAST_STEPS` steps."""
    losses = [(step.step, step.loss) for step in steps if step.loss is not None]
    if len(losses) < LEAST_STEPS:
        return ()
    found = (_jumping(losses), _slope(losses), _overfit(steps))
    return tuple(Finding(name, words, help_for(name, config)) for name, words in filter(None, found))


def help_for(symptom: str, config: RunConfig) -> tuple[Advice, ...]:
    """What to change for one of `SYMPTOMS`, most worth first."""
    return tuple(item for item in _HELP[symptom](config) if usable(item, config))


def _slope(losses: Sequence[tuple[int, float]]) -> tuple[str, str] | None:
    quarter = len(losses) // 4
    first, last = (fmean(loss for _, loss in part) for part in (losses[:quarter], losses[-quarter:]))
    figures = f"mean loss {first:.3f} in the first quarter, {last:.3f} in the last"
    if last > first * (1 + LEAST_FALL):
        return RISING, f"{SYMPTOMS[RISING]} {figures}."
    if last > first * (1 - LEAST_FALL):
        return FLAT, f"{SYMPTOMS[FLAT]} {figures}."
    return None


def _jumping(losses: Sequence[tuple[int, float]]) -> tuple[str, str] | None:
    for at in range(8, len(losses)):
        usual = median(loss for _, loss in losses[at - 8 : at])
        step, loss = losses[at]
        if usual > 0.05 and loss > JUMP * usual:
            return JUMPING, f"{SYMPTOMS[JUMPING]} {loss:.3f} at step {step}, {usual:.3f} before."
    return None


def _overfit(steps: Sequence[Step]) -> tuple[str, str] | None:
    """The dev loss has been above its lowest for two evaluations while the loss went on falling."""
    dev = [(step.step, step.dev_loss) for step in steps if step.dev_loss is not None]
    if len(dev) < 3:
        return None
    best_at, best = min(dev, key=lambda pair: pair[1])
    later = [loss for step, loss in dev if step > best_at]
    if len(later) < 2 or min(later[-2:]) <= best * (1 + DEV_RISE):
        return None
    around = [step.loss for step in steps if step.loss is not None and best_at - 5 < step.step <= best_at]
    end = [step.loss for step in steps if step.loss is not None][-5:]
    if not around or fmean(end) >= fmean(around):
        return None
    words = f"Dev loss {best:.3f} at step {best_at}, {later[-1]:.3f} now; loss {fmean(around):.3f} then, "
    return OVERFIT, f"{SYMPTOMS[OVERFIT]} {words}{fmean(end):.3f} now."


def _rate(config: RunConfig, times: float) -> dict[str, float]:
    return {"learning_rate": float(f"{min(1.0, config.learning_rate * times):.2g}")}


def _longer(config: RunConfig) -> dict[str, float]:
    return {"max_steps": config.max_steps * 2} if config.max_steps else {"epochs": config.epochs * 2}


def _shorter(config: RunConfig) -> dict[str, float]:
    return {"max_steps": max(1, config.max_steps // 2)} if config.max_steps else {"epochs": config.epochs / 2}


def _rank(config: RunConfig, times: float) -> dict[str, int]:
    if config.method == "full":
        return {}
    rank = max(4, min(256, round(config.rank * times)))
    return {"rank": rank, "alpha": max(1, round(config.alpha * rank / config.rank))}


def _flat(config: RunConfig) -> Iterator[Advice]:
    yield Advice("Raise learning_rate three times: at this one too little changes.", _rate(config, 3))
    yield Advice("Look at the coloured tokens of a row: what is to be learnt has to be the answer, and all of it.")
    yield Advice("Check the chat template: a base that reads it differently in training learns nothing of use.")
    if config.batch_size * config.grad_accumulation < 8:
        yield Advice("Average over twice as many rows a step.", {"grad_accumulation": config.grad_accumulation * 2})


def _rising(config: RunConfig) -> Iterator[Advice]:
    yield Advice("Lower learning_rate five times.", _rate(config, 0.2))
    if not 0 < config.max_grad_norm <= 1:
        yield Advice("Shorten long gradients to 1.", {"max_grad_norm": 1.0})
    if config.warmup < 0.1:
        yield Advice("Warm up for a tenth of the run.", {"warmup": 0.1})
    yield Advice("Average over twice as many rows a step.", {"grad_accumulation": config.grad_accumulation * 2})


def _overfitted(config: RunConfig) -> Iterator[Advice]:
    yield Advice("More rows, and more different ones: nothing helps as much.")
    if config.eval_steps and not config.early_stopping:
        yield Advice("Stop by itself at the best dev loss.", {"early_stopping": 3, "save_steps": config.eval_steps})
    yield Advice("Half as long.", _shorter(config))
    if config.method != "full":
        yield Advice("Half the rank: it can learn less by heart.", _rank(config, 0.5))
        if config.dropout < 0.05:
            yield Advice("Drop one input in twenty while it learns.", {"dropout": 0.05})


def _underfit(config: RunConfig) -> Iterator[Advice]:
    yield Advice("Twice as long.", _longer(config))
    yield Advice("Double learning_rate.", _rate(config, 2))
    yield Advice("Double the rank, if the task asks for new structure and not for another style.", _rank(config, 2))


def _format(config: RunConfig) -> Iterator[Advice]:
    yield Advice("Look for rows whose answers differ in form: a few of them teach that form does not matter.")
    if not config.answer_only:
        yield Advice("Learn from the answer alone.", {"answer_only": True})
    yield Advice("Twice as long.", _longer(config))
    yield Advice("Double the rank: a new form takes room, 64 and more.", _rank(config, 2))


def _forgetting(config: RunConfig) -> Iterator[Advice]:
    if config.method == "full":
        yield Advice("Use method lora: the base's own weights stay as they are.", {"method": "lora"})
    yield Advice("Halve learning_rate.", _rate(config, 0.5))
    yield Advice("Half as long.", _shorter(config))
    yield Advice("Half the rank.", _rank(config, 0.5))
    yield Advice("Mix in rows of what it has to keep.")


def _long_texts(config: RunConfig) -> Iterator[Advice]:
    yield Advice("See in the preflight how much of the sources the context step leaves out, and what did not fit.")
    yield Advice("Read twice as long rows; that takes memory.", {"max_length": config.max_length * 2})
    if config.short_first_steps == 0 and config.max_steps >= 20 and not config.packing:
        first = config.max_steps // 8
        yield Advice("Begin with the short rows: what is found in them is found in long ones later.",
                     {"short_first_steps": first})  # fmt: skip
    yield Advice("Add rows with long sources; what was never long in training is seldom read to its end.")


_HELP: Mapping[str, Callable[[RunConfig], Iterator[Advice]]] = {
    FLAT: _flat, RISING: _rising, JUMPING: _rising, OVERFIT: _overfitted, UNDERFIT: _underfit, FORMAT: _format,
    FORGETTING: _forgetting, LONG_TEXTS: _long_texts,
}  # fmt: skip
