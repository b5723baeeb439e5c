"""The five ways to train: which weights move, how the base is read for it, and what is written at the end."""

import shutil
from pathlib import Path
from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import torch
from peft import LoraConfig, get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from training.disk import disk
from training.engine.hashes import read_header
from training.engine.load import four_bit_weights
from training.engine.train_device import Plan
from training.engine.train_job import TrainJob
from training.engine.whole import TOLD, check_whole
from training.errors import AdapterError, ModelError
from training.runs.config import RunConfig

_TORCH_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def load(job: TrainJob, plan: Plan) -> tuple[Any, Any]:
    """Tokenizer and model of a base folder, ready to be given to a trainer. ModelError where they can't be read."""
    options: dict[str, Any] = {**TOLD, "dtype": plan.weights}
    if job.config.four_bit:
        weights = four_bit_weights(plan.autocast or torch.float32)
        options |= {"quantization_config": weights, "device_map": {"": plan.device}}
    if job.config.packing and plan.on_cuda and plan.weights != torch.float32 and _has_flash():
        options["attn_implementation"] = "flash_attention_2"
    tokenizer = load_tokenizer(job.base)
    try:
        read: Any = AutoModelForCausalLM.from_pretrained(
            str(job.base), use_safetensors=True, trust_remote_code=False, local_files_only=True, **options
        )
    except (OSError, ValueError, KeyError, ImportError) as err:
        raise cannot_load(job.base, err) from err
    model, info = read
    check_whole(str(job.base), info)
    if job.config.four_bit:
        from peft import prepare_model_for_kbit_training

        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    return tokenizer, model


def load_tokenizer(base: Path) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(base), trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as err:
        raise cannot_load(base, err) from err
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def cannot_load(base: Path, err: Exception) -> ModelError:
    reason = " ".join(str(err).split())[:300]
    return ModelError(f"{base} can't be loaded: {reason}", fix="Give a model folder that Transformers can read.")


def _has_flash() -> bool:
    from transformers.utils import is_flash_attn_2_available

    return bool(is_flash_attn_2_available())


def lora_of(config: RunConfig) -> LoraConfig | None:
    """The small matrices that are trained; None where all weights are."""
    if config.method == "full":
        return None
    targets = config.target_modules if isinstance(config.target_modules, str) else list(config.target_modules)
    return LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=targets,
        use_rslora=config.method == "rslora",
        use_dora=config.method == "dora",
        task_type="CAUSAL_LM",
    )


def begin_alike(model: Any, seed: int) -> None:
    """Fill each A matrix from (seed, its name) alone, so that neither backend nor device changes where a run begins."""
    for name, weight in model.named_parameters():
        if ".lora_A." in name:
            place = name.removeprefix("base_model.model.")
            generator = torch.Generator().manual_seed(_number(f"{seed}/{place}"))
            fresh = torch.empty(weight.shape, dtype=torch.float32)
            torch.nn.init.kaiming_uniform_(fresh, a=5**0.5, generator=generator)
            weight.data.copy_(fresh)


def start_from(model: Any, adapter: Path) -> None:
    """Begin with the weights of an adapter. AdapterError where they are not those of the same matrices."""
    from peft import set_peft_model_state_dict

    try:
        given = load_file(adapter / "adapter_model.safetensors")
    except (OSError, SafetensorError) as err:
        raise AdapterError(f"{adapter} can't be read: {err}.", fix="Give the folder of an adapter.") from err
    wanted = get_peft_model_state_dict(model, save_embedding_layers=False)
    if {name: weight.shape for name, weight in given.items()} != {name: w.shape for name, w in wanted.items()}:
        raise AdapterError(
            f"{adapter} has other matrices than this run trains.", fix="Use its base, rank, method and target_modules."
        )
    set_peft_model_state_dict(model, given)


def _number(text: str) -> int:
    import hashlib

    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def count_parameters(base: Path) -> int:
    """Numbers in a base's weight files; packing them into 4 bits does not change it."""
    return sum(info.numel for path in base.glob("*.safetensors") for info in read_header(path).values())


def save(model: Any, tokenizer: Any, job: TrainJob) -> None:
    """Write the adapter, or the whole model with its tokenizer, into `job.result`: all of it or nothing."""
    target, part = job.result, job.out / f".{job.result.name}.part"
    with disk("save what was trained", target):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if job.config.method == "full":
            _save_model(model, tokenizer, job, part)
        else:
            _save_adapter(model, job, part)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)


def _save_adapter(model: Any, job: TrainJob, folder: Path) -> None:
    weights = get_peft_model_state_dict(model, save_embedding_layers=False)  # "auto" would ask the hub
    dtype = _TORCH_DTYPES[job.config.save_dtype]
    state = {name: value.detach().cpu().to(dtype).contiguous() for name, value in weights.items()}
    _check_finite(state)
    config = model.peft_config["default"]
    config.inference_mode = True
    config.base_model_name_or_path = job.base_name or str(job.base)
    if config.target_modules and not isinstance(config.target_modules, str):
        config.target_modules = sorted(config.target_modules)  # PEFT's set: another order, so another hash, each time
    save_file(state, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config.save_pretrained(str(folder))


def _save_model(model: Any, tokenizer: Any, job: TrainJob, folder: Path) -> None:
    model.to(_TORCH_DTYPES[job.config.save_dtype])
    _check_finite(dict(model.named_parameters()))
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def _check_finite(state: dict[str, torch.Tensor]) -> None:
    if broken := [name for name, value in state.items() if not torch.isfinite(value).all()]:
        raise ModelError(
            f"What was trained is not a number any more in {broken[0]}.",
            fix="Lower learning_rate, or set save_dtype to fp32.",
        )
