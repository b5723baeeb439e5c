"""Whose model a model is: a judge prefers its own family's words, so that must be said beside its figures (metrics C4).

Limits: read off names. A name that says nothing of its maker is its own family, and a merged or renamed model hides.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.disk import read_object
from training.errors import StudioError
from training.evals.records import JOB

_FAMILIES = (
    ("OpenAI", r"gpt|chatgpt|(?<![a-z])o[1345](?![a-z0-9])|davinci"),
    ("Anthropic", r"claude"),
    ("Google", r"gemini|gemma|palm"),
    ("DeepSeek", r"deepseek"),
    ("Qwen", r"qwen|qwq"),
    ("Meta", r"llama"),
    ("Mistral", r"mistral|mixtral|ministral|codestral|magistral"),
    ("Microsoft", r"(?<![a-z])phi-?\d"),
    ("Zhipu", r"glm"),
    ("Moonshot", r"kimi|moonshot"),
    ("xAI", r"grok"),
    ("Cohere", r"command-?r|(?<![a-z])aya(?![a-z])"),
    ("Liquid", r"lfm"),
    ("Hugging Face", r"smollm|zephyr"),
)


def family_of(model: str) -> str:
    """The maker of a model by its name; the bare name where none is known. A distilled model is of its first name's."""
    name = model.casefold()
    found = [(match.start(), family) for family, pattern in _FAMILIES if (match := re.search(pattern, name))]
    return min(found)[1] if found else name.rsplit("/", 1)[-1]


def kinship(judge: str, others: Iterable[str]) -> list[str]:
    """Of the other models those that are of the judge's family, in their order."""
    mine = family_of(judge)
    return [other for other in dict.fromkeys(others) if other.strip() and family_of(other) == mine]


def banners(judge: str, gold_models: Sequence[str], arm_models: Sequence[str]) -> list[str]:
    """What must stand beside the judge's figures, in sentences; () where nothing is known against them."""
    said: list[str] = []
    if wrote := kinship(judge, gold_models):
        said.append(
            f"The judge ({judge}) is of the same family as what wrote the data ({', '.join(wrote)}): it shares its "
            "blind spots and prefers its words."
        )
    if judged := kinship(judge, arm_models):
        said.append(f"The judge ({judge}) is of the same family as what it judges ({', '.join(judged)}).")
    return said


def writers_of(folder: Path) -> list[str]:
    """The models that wrote the evaluation's data, as far as the dataset's own spec says; [] where nothing is known."""
    from training.task.yamlfile import read_yaml

    data = Path(str(read_object(folder / JOB).get("data", "")))
    spec = data / "spec.yaml"
    if not spec.is_file():
        return []
    try:
        values = read_yaml(spec).rest()
    except StudioError:
        return []
    teacher = values.get("teacher")
    model = teacher.get("model") if isinstance(teacher, dict) else None
    return [model] if isinstance(model, str) else []


def models_of(folder: Path, arms: Iterable[str]) -> list[str]:
    """The models behind the arms, as far as the folder says: the base, and endpoints by their names."""
    base = str(read_object(folder / JOB).get("base", ""))
    return [name for name in (base, *(arm.partition(":")[2] for arm in arms if arm.startswith("endpoint:"))) if name]
