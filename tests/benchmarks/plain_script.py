"""Fine-tuning with TRL alone, as its documentation shows it: rows tokenised, masked and padded by TRL. What the
studio's trainer is measured against (tests.benchmarks.bench_train)."""

import argparse
import importlib.util
import json
import time
from pathlib import Path
from typing import Any


def plain_script(
    arguments: argparse.Namespace, settings: dict[str, Any], out: Path, started: float
) -> list[tuple[float, int]]:
    """(seconds since `started`, tokens seen) after each step."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    on_cuda = torch.cuda.is_available()
    half = arguments.dtype == "bf16"
    tokenizer = AutoTokenizer.from_pretrained(str(arguments.base))
    model = AutoModelForCausalLM.from_pretrained(
        str(arguments.base), dtype=torch.bfloat16 if on_cuda and half else torch.float32
    )
    lines = arguments.rows.read_text("utf-8").splitlines()
    seen: list[tuple[float, int]] = []

    class Clock(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if "loss" in logs:
                seen.append((time.perf_counter() - started, int(state.num_input_tokens_seen)))

    class OwnLoss(SFTTrainer):
        """TRL takes its loss with Triton, so on a GPU only; elsewhere people fall back to the model's own."""

        def compute_loss(self, *args: Any, **kwargs: Any) -> Any:
            return Trainer.compute_loss(self, *args, **kwargs)

    trainer = (SFTTrainer if importlib.util.find_spec("triton") else OwnLoss)(
        model=model,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list([json.loads(line) for line in lines]),
        peft_config=LoraConfig(
            r=settings["rank"], lora_alpha=settings["alpha"], target_modules="all-linear", task_type="CAUSAL_LM"
        ),
        args=SFTConfig(
            output_dir=str(out),
            max_steps=arguments.steps,
            per_device_train_batch_size=settings["batch_size"],
            learning_rate=settings["learning_rate"],
            lr_scheduler_type="cosine",
            seed=settings["seed"],
            max_length=None,
            completion_only_loss=True,
            gradient_checkpointing=False,
            bf16=half,
            use_cpu=not on_cuda,
            logging_steps=1,
            include_num_input_tokens_seen="non_padding",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        callbacks=[Clock()],
    )
    trainer.train()
    trainer.save_model(str(out))
    return seen
