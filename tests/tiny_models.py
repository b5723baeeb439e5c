"""Tiny random models, a byte-level tokenizer with a chat template and tiny LoRA adapters, made on the spot.

Each is a plain Transformers or PEFT folder of a few hundred kilobytes: what loads them loads real ones.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
SPECIALS = ["<|pad|>", "<|bos|>", "<|eos|>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
END = "<|end|>"
CONTEXT = 8192
ARCHITECTURES = ("gemma3", "qwen3", "llama", "gpt2", "lfm2")


def make_tokenizer(folder: Path, *, chat_template: str | None = CHAT_TEMPLATE) -> Any:
    """A byte-level tokenizer: 256 bytes plus the special tokens; every text goes there and back unchanged."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: n for n, token in enumerate([*SPECIALS, *alphabet])}
    inner = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(SPECIALS)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<|pad|>",
        bos_token="<|bos|>",
        eos_token="<|eos|>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(folder)
    return tokenizer


def _common(vocab: int) -> dict[str, Any]:
    return {
        "vocab_size": vocab,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": True,
    }


def _gemma3(vocab: int) -> Any:
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    return Gemma3ForCausalLM(Gemma3TextConfig(**_common(vocab), head_dim=8, sliding_window=16, layer_types=kinds))


def _qwen3(vocab: int) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**_common(vocab), head_dim=8))


def _llama(vocab: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**_common(vocab)))


def _gpt2(vocab: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes: dict[str, Any] = {"vocab_size": vocab, "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": CONTEXT}
    return GPT2LMHeadModel(GPT2Config(**sizes, bos_token_id=1, eos_token_id=2, pad_token_id=0))


def _lfm2(vocab: int) -> Any:
    from transformers import Lfm2Config, Lfm2ForCausalLM

    kinds = ["conv", "full_attention", "conv"]
    return Lfm2ForCausalLM(Lfm2Config(**_common(vocab), layer_types=kinds, block_auto_adjust_ff_dim=False))


_BUILDERS: dict[str, Callable[[int], Any]] = {
    "gemma3": _gemma3,
    "qwen3": _qwen3,
    "llama": _llama,
    "gpt2": _gpt2,
    "lfm2": _lfm2,
}


def make_model(folder: Path, architecture: str, *, seed: int = 0, chat_template: str | None = CHAT_TEMPLATE) -> Path:
    """A random model of three layers in `folder`, its weights spread enough that greedy answers differ."""
    import torch

    torch.manual_seed(seed)
    tokenizer = make_tokenizer(folder, chat_template=chat_template)
    model = _BUILDERS[architecture](len(tokenizer))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                embedding = 0.1 if architecture == "gemma3" else 0.6  # Gemma multiplies its embeddings
                weight.normal_(0.0, embedding if "embed" in name or "wte" in name else 0.25)
    model.generation_config.temperature = 0.5  # leftovers that must never leak into an answer
    model.generation_config.do_sample = True
    model.generation_config.repetition_penalty = 1.7
    model.generation_config.eos_token_id = [2]
    model.save_pretrained(folder)
    return folder


def make_adapter(folder: Path, base: Path, *, seed: int = 1, rank: int = 4, scale: float = 0.3) -> Path:
    """A random LoRA adapter on every linear layer of `base`; scale 0 makes one that changes nothing."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_pretrained(str(base))
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules="all-linear", task_type="CAUSAL_LM")
    wrapped = get_peft_model(model, config)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_" in name:
                weight.normal_(0.0, scale) if scale else weight.zero_()
    wrapped.save_pretrained(str(folder))
    return folder
