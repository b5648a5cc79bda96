"""`halfseen generate`: a text goes on, token by token."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from halfseen.apps.writer import Sampling


@dataclass(frozen=True, kw_only=True)
class GenerateOptions:
    """Go on writing."""

    model: str
    """A folder that `halfseen pretrain gpt` wrote, one in the Hugging Face layout (GPT-2, Llama), or hf:NAME."""
    prompt: tuple[str, ...] = ("",)
    """Where to begin, one or several; an empty prompt begins a new text."""
    tokens: int = 200
    """Tokens to write at most."""
    temperature: float = 0.8
    """Below 1 the likely becomes likelier; 0 always takes the likeliest token."""
    top_k: int | None = None
    """Take one of the k likeliest tokens only."""
    top_p: float = 0.9
    """Take one of the likeliest tokens that together have this probability (arXiv:1904.09751); 1 for all."""
    min_p: float = 0.0
    """Take only tokens with at least this share of the likeliest one's probability (arXiv:2407.01082)."""
    stop: tuple[str, ...] = ()
    """End before one of these strings."""
    n: int = 1
    """How many continuations of each prompt."""
    seed: int = 0
    """The same seed and prompt, the same text."""
    precision: Literal["float32", "int8"] = "float32"
    """Of the weights; int8 is faster and near (docs/results.md)."""
    explain: bool = False
    """Show the five likeliest tokens at each step."""

    def faults(self) -> list[str]:
        """Everything that is wrong with these options, in words."""
        found = [f"--{name} is {getattr(self, name)}, but must be at least 1" for name in ("tokens", "n") if getattr(self, name) < 1]
        if not 0 <= self.temperature < float("inf"):
            found.append(f"--temperature is {self.temperature:g}, but must be 0 (always the likeliest token) or above")
        if self.top_k is not None and self.top_k < 1:
            found.append(f"--top-k is {self.top_k}, but must be at least 1")
        if not 0 < self.top_p <= 1:
            found.append(f"--top-p is {self.top_p:g}, but must be above 0 and at most 1")
        if not 0 <= self.min_p <= 1:
            found.append(f"--min-p is {self.min_p:g}, but must be between 0 and 1")
        if not 0 <= self.seed < 2**32:
            found.append(f"--seed is {self.seed}, but must be between 0 and {2**32 - 1}")
        if "" in self.stop:
            found.append("--stop is empty, but every text holds an empty string")
        if not self.prompt:
            found.append("--prompt has no text; leave it out to begin a new one")
        return found

    def sampling(self) -> Sampling:
        from halfseen.apps.writer import Sampling

        return Sampling(**{field.name: getattr(self, field.name) for field in fields(Sampling)})


def generate(prompt: str | Sequence[str] = "", *, model: str, **options: Any) -> dict[str, Any]:
    """What `halfseen generate --json` prints: {"texts": [{"prompt", "text", "ended", "kept", "steps"}], "tokens_per_s"}.

    ended: tokens (as many as asked), end (of a text), stop (one of the strings). kept: tokens of a prompt that was too long,
    None if it was read whole. steps: only with `explain`. options: the fields of `GenerateOptions`. Raises UserError.
    """
    return run(GenerateOptions(model=model, prompt=(prompt,) if isinstance(prompt, str) else tuple(prompt), **options))


def run(options: GenerateOptions, say: Callable[[str], None] | None = None) -> dict[str, Any]:
    """say: told the pieces of a text as they come, if only one is written."""
    from halfseen.apps.model import load
    from halfseen.apps.writer import Writer
    from halfseen.contracts import UserError

    if faults := options.faults():
        raise UserError("; ".join(faults), way_out="see `halfseen generate --help`")
    writer = Writer(load(options.model).loaded, int8=options.precision == "int8")
    started = time.perf_counter()
    if len(options.prompt) > 1 or options.n > 1:
        say = None
    elif say is not None:
        say(options.prompt[0])
    texts = writer.write(options.prompt, options.sampling(), say=say)
    seconds = time.perf_counter() - started
    return {"texts": texts, "tokens_per_s": sum(text.pop("tokens") for text in texts) / seconds}
