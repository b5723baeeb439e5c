"""Attaches LoRA adapters to a loaded base, beside each other, and proves each before it may answer."""

import re
from typing import Any

import training.engine.transformers_once  # noqa: F401  (first)

import torch
from peft import LoraConfig, PeftModelForCausalLM, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load_file

from training.engine.adapter_files import AdapterFiles
from training.engine.load import LoadedBase, is_out_of_memory, use_threads
from training.engine.probe import prove, run_probe
from training.engine.sides import BASE_ROW
from training.errors import AdapterError, ProofError

# What PEFT and safetensors raise over settings and weights that are somebody else's: a pattern that is none (re.error),
# a list where a mapping belongs (AttributeError).
_UNFIT = (
    ValueError, RuntimeError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError, AssertionError,
    ImportError, OSError, re.error, SafetensorError,
)  # fmt: skip
_PREFIX = "base_model.model."
_LORA = re.compile(r"\.lora_([AB])\.weight$")


def attach(loaded: LoadedBase, files: AdapterFiles) -> str:
    """Attach an adapter once and prove it beside the base; returns its name inside PEFT.

    AdapterError where its weights do not fit, ProofError where it changes nothing; errors of full memory as they come.
    """
    sha256 = files.sha256
    if sha256 in loaded.adapters:
        return loaded.adapters[sha256]
    _check_shapes(loaded, files)
    name = f"{re.sub('[^a-z0-9]+', '_', files.name.lower()).strip('_')[-40:]}_{sha256[:8]}"
    try:
        _wrap(loaded, files, name)
        _fill(loaded, files, name)
        loaded.references[name] = probe_rows(loaded, [name])[0]
        prove(loaded.pristine, [BASE_ROW, name], lambda: probe_rows(loaded, [BASE_ROW, name]), loaded.references)
    except (AdapterError, ProofError):
        detach(loaded, name)
        raise
    except (*_UNFIT, MemoryError) as err:
        detach(loaded, name)
        if is_out_of_memory(err):  # no fault of the adapter's
            raise
        reason = " ".join(str(err).split())[:300] or type(err).__name__
        raise AdapterError(f"Adapter {files.name} can't be attached: {reason}", fix="Train or save it again.") from err
    loaded.adapters[sha256] = name
    return name


def probe_rows(loaded: LoadedBase, names: list[str]) -> torch.Tensor:
    """Probe logits (len(names), vocab) of a batch whose row n is answered by `names[n]`."""
    loaded.sides.set(names)
    use_threads(loaded.threads)
    try:
        return run_probe(loaded.model, loaded.pristine.ids, len(names))
    finally:
        loaded.sides.set(None)


def check_state(loaded: LoadedBase) -> None:
    """No layer may be merged or switched off: either silently answers one side with the other's weights."""
    for module in loaded.model.modules():
        if isinstance(module, LoraLayer) and (module.merged or module.disable_adapters):
            raise ProofError("An adapter is merged into the base or switched off.", fix="Load the model again.")


def _wrap(loaded: LoadedBase, files: AdapterFiles, name: str) -> None:
    config = LoraConfig.from_pretrained(str(files.folder))
    config.inference_mode = True
    if loaded.peft is None:
        loaded.peft = PeftModelForCausalLM(loaded.model, config, adapter_name=name)
    else:
        loaded.peft.add_adapter(name, config)
    loaded.peft.requires_grad_(False)
    loaded.peft.eval()
    loaded.sides.teach(loaded.model)


def _fill(loaded: LoadedBase, files: AdapterFiles, name: str) -> None:
    state = load_file(str(files.weights))
    embeds = any(key.endswith(("embed_tokens.weight", "lm_head.weight")) for key in state)
    # said outright: left to itself, PEFT asks the hub whether the vocabulary grew
    wanted = set(get_peft_model_state_dict(loaded.peft, adapter_name=name, save_embedding_layers=embeds))
    if missing := sorted(wanted - set(state)):
        raise AdapterError(
            f"Adapter {files.name} lacks {len(missing)} of {len(wanted)} tensors, such as {missing[0]}.",
            fix="Copy the whole adapter again.",
        )
    if extra := sorted(set(state) - wanted):
        raise AdapterError(
            f"Adapter {files.name} holds tensors that {loaded.card.base} has no place for, such as {extra[0]}.",
            fix="Load the base it was trained on.",
        )
    if broken := [key for key, value in state.items() if not torch.isfinite(value).all()]:
        raise AdapterError(f"Adapter {files.name} holds no finite numbers in {broken[0]}.", fix="Train it again.")
    set_peft_model_state_dict(loaded.peft, state, adapter_name=name)


def detach(loaded: LoadedBase, name: str) -> None:
    """Take an adapter out again; the bare base is left when it was the last."""
    loaded.adapters = {digest: known for digest, known in loaded.adapters.items() if known != name}
    loaded.references.pop(name, None)
    if loaded.peft is None or name not in loaded.peft.peft_config:
        _clear(loaded, name)
        return
    if len(loaded.peft.peft_config) == 1:
        loaded.peft.unload()
        loaded.peft = None
    else:
        loaded.peft.delete_adapter(name)


def _clear(loaded: LoadedBase, name: str) -> None:
    """Take out what PEFT leaves in the layers when it breaks off halfway: no later adapter may find it there."""
    for path, module in list(loaded.model.named_modules()):
        if not isinstance(module, LoraLayer):
            continue
        if loaded.peft is None:
            parent, _, child = path.rpartition(".")
            setattr(loaded.model.get_submodule(parent), child, module.get_base_layer())
        elif name in module.lora_A or name in module.r:
            module.delete_adapter(name)


def _check_shapes(loaded: LoadedBase, files: AdapterFiles) -> None:
    """Each LoRA matrix must fit the layer it names: said here in words, before PEFT touches the model."""
    places = dict(loaded.model.named_modules())
    for key, tensor in files.tensors.items():
        found = _LORA.search(key)
        if found is None:
            continue
        layer = places.get(key.removeprefix(_PREFIX)[: -len(found.group())])
        if layer is None:
            raise AdapterError(
                f"Adapter {files.name} is for a layer {key} that {loaded.card.base} does not have.",
                fix="Load the base it was trained on.",
            )
        inputs, outputs = _widths(layer)
        width, has = (inputs, tensor.shape[-1]) if found[1] == "A" else (outputs, tensor.shape[0])
        if width is not None and width != has:
            raise AdapterError(
                f"Adapter {files.name} has {key} of shape {list(tensor.shape)}; {loaded.card.base} needs {width}.",
                fix="Load the base it was trained on.",
            )


def _widths(layer: Any) -> tuple[int | None, int | None]:
    layer = layer.get_base_layer() if isinstance(layer, LoraLayer) else layer
    if hasattr(layer, "in_features"):
        return layer.in_features, layer.out_features
    if hasattr(layer, "nx"):  # GPT-2's Conv1D
        return layer.nx, layer.nf
    return None, None
