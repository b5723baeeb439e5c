"""The one public endpoint, for gradio_client and, where the `mcp` extra is installed, for agents. No components."""

import gradio as gr

from studio.actions.api import compare_for_program
from studio.deps import Deps
from studio.guard import in_words
from training.errors import StudioError


def build(deps: Deps) -> None:
    """Declare the endpoint inside the caller's `gr.Blocks`. Its docstring is what agents read."""

    def compare(  # size: what a program or an agent may say, each by its name
        text: str,
        task: str = "",
        base: str = "",
        adapters: list[str] | None = None,
        prompted: bool = False,
        seed: int | None = None,
        constrained: bool | None = None,
    ) -> str:
        """Run one text through a base language model and its fine-tuned adapters, and judge each answer.

        Every model answers the same prompt with the same seed, in one batch. The answer is text with one JSON object
        a line for each model: arm, adapter, raw (the answer as written), tier (strict, extracted, repaired,
        repaired_truncated or failed: how much help it took to read the answer as JSON), object, schema_errors,
        scores, finish_reason, prompt_sha256, tokens, seconds, and proof (which weights really answered).

        Args:
            text: The document, such as a food blog post: plain text, Markdown or HTML, at most 2 million characters.
            task: Name of the task pack, such as recipe-jsonld. Empty: the first one.
            base: Name of the base model. Empty: the embedded one.
            adapters: Names of fine-tuned adapters to compare with the base. Left out: the one made for the task where
                the base is the embedded one, none on another base.
            prompted: Also run the base with the full JSON Schema in its prompt.
            seed: Whole number from 0 to 4294967295. Left out: the task's own.
            constrained: Hold every answer to the task's JSON Schema, token by token. Left out: as the task says.
        """
        try:
            return compare_for_program(deps, text, task, base, adapters, prompted, seed, constrained)
        except StudioError as err:
            raise in_words(err) from err

    gr.api(
        compare,
        api_name="compare",
        concurrency_id="model",
        concurrency_limit=deps.settings.max_waiting + 2,
    )
