"""A row as tokens: the prompt the studio renders without loss, then the answer and its end with loss."""

from typing import Any

from training.engine.row_tokens import split_tokens
from training.task.pack import BUILTIN, load_pack

END = "\u2402"


class Letters:
    """A token a character; the end marker is one of them."""

    chat_template = "plain"
    bos_token = None
    eos_token = END
    all_special_tokens = (END,)

    def __call__(self, text: str, **options: Any) -> dict[str, list[int]]:
        return {"input_ids": [ord(char) for char in text]}

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        return [ord(char) for char in text]

    def decode(self, ids: list[int], **options: Any) -> str:
        return "".join(map(chr, ids))

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> str:
        turns = "".join(f"[{turn['role']}]{turn['content']}{END}" for turn in conversation)
        return turns + ("[assistant]" if options.get("add_generation_prompt") else "")


def test_loss_is_on_the_answer_and_its_end_and_on_nothing_else() -> None:
    pack = load_pack(BUILTIN / "recipe-jsonld")
    tokens = split_tokens(Letters(), pack, "Boil the lentils.", '{"name":"Soup"}')
    learned = "".join(token.text for token in tokens if token.learned)
    prompt = "".join(token.text for token in tokens if not token.learned)
    assert learned == '{"name":"Soup"}' + END
    assert "Boil the lentils." in prompt and prompt.endswith("[assistant]") and "Soup" not in prompt
    flags = [token.learned for token in tokens]
    assert flags == sorted(flags)  # prompt first, answer after, never mixed
    assert all(token.id == ord(token.text) for token in tokens)
