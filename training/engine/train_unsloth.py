"""unsloth: quicker LoRA on a GPU. Imported here alone, and only in the process that trains.

It exchanges parts of transformers and trl for the whole process. Rows, masks, order and loss stay this engine's own:
of unsloth come the model with its quick kernels and the small matrices beside it.
"""

import importlib
import os
from typing import Any

from training.engine.train_device import Plan
from training.engine.train_job import TrainJob
from training.errors import InputError, ModelError


def wake() -> None:
    """Import unsloth, before what it patches where that is still possible. InputError where it refuses."""
    os.environ.setdefault("UNSLOTH_DISABLE_STATISTICS", "1")  # it counts its users otherwise
    os.environ.setdefault("UNSLOTH_RETURN_LOGITS", "1")  # our loss is taken from logits
    importlib.import_module("training.engine.train_trainer")  # TRL's own trainer, before its name means another one
    try:
        importlib.import_module("unsloth")
    except (ImportError, NotImplementedError, RuntimeError, OSError) as err:
        reason = " ".join(str(err).split())[:300]
        raise InputError(
            f"backend comes to unsloth here, which is installed but can't be used: {reason}", fix="Set backend to trl."
        ) from err


def load(job: TrainJob, plan: Plan) -> tuple[Any, Any]:
    """Tokenizer and model with fresh small matrices on it."""
    from training.engine.train_methods import cannot_load, load_tokenizer

    maker: Any = importlib.import_module("unsloth").FastLanguageModel
    config = job.config
    tokenizer = load_tokenizer(job.base)  # not unsloth's, which may mend what rows were rendered with
    try:
        model, _ = maker.from_pretrained(
            model_name=str(job.base),
            max_seq_length=config.max_length,
            dtype=plan.weights,
            load_in_4bit=config.four_bit,
            full_finetuning=False,
            trust_remote_code=False,
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, ImportError, NotImplementedError) as err:
        raise cannot_load(job.base, err) from err
    targets = config.target_modules if isinstance(config.target_modules, str) else list(config.target_modules)
    try:
        model = maker.get_peft_model(
            model,
            r=config.rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules=targets,
            bias="none",
            use_gradient_checkpointing="unsloth" if config.gradient_checkpointing else False,
            use_rslora=config.method == "rslora",
            random_state=config.seed,
            max_seq_length=config.max_length,
        )
    except (TypeError, ValueError, NotImplementedError, AssertionError) as err:
        reason = " ".join(str(err).split())[:300]
        raise ModelError(f"unsloth can't adapt {job.base.name}: {reason}", fix="Set backend to trl.") from err
    return tokenizer, model
