"""What a family of checkpoints is: how its config.json and its weights' names say what our shape and net say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from halfseen.data.faults import did_you_mean
from halfseen.data.tokenizers import TokenTable
from halfseen.nets.shape import Activation, TransformerShape

Names = dict[str, tuple[str, ...]]
"""A weight's name in the file to its name in our module; one that stacks several of ours on its first axis names them all."""

ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


def activation_name(ours: Activation) -> str:
    return next(name for name, known in ACTIVATIONS.items() if known == ours)


@dataclass
class Config:
    """config.json, read field by field; what is wrong with it is collected in `faults`."""

    values: Mapping[str, Any]
    faults: list[str] = field(default_factory=list)

    def get(self, name: str, default: Any) -> Any:
        value = self.values.get(name)
        return default if value is None else value

    def count(self, name: str, default: int | None = None, *, least: int = 1) -> int:
        """A whole number; a field without a default must be there."""
        value = self.get(name, default)
        if value is None:
            self.faults.append(f"{name} is missing")
        elif not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.faults.append(f"{name} is {value!r}, but must be a whole number of at least {least}")
        else:
            return value
        return least

    def number(self, name: str, default: float) -> float:
        """A number above 0."""
        return self.positive(name, self.get(name, default))

    def positive(self, name: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            self.faults.append(f"{name} is {value!r}, but must be a number above 0")
            return 1.0
        return float(value)

    def activation(self, name: str, default: str = "gelu") -> Activation:
        value = self.get(name, default)
        if value not in ACTIVATIONS:
            hint = did_you_mean(str(value), ACTIVATIONS) or f"known are {', '.join(ACTIVATIONS)}"
            self.faults.append(f"{name} is {value!r}, which this net does not know ({hint})")
        return ACTIVATIONS.get(value, "gelu")

    def must(self, name: str, only: Any, default: Any) -> None:
        """A field that this net can honour with one value alone."""
        if (value := self.get(name, default)) != only:
            self.faults.append(f"{name} is {value!r}, but this net can do only {only!r}")


@dataclass(frozen=True)
class Family:
    """One kind of checkpoint."""

    name: str
    """config.json's model_type."""
    title: str
    """How its classes begin in `transformers`."""
    prefix: str
    """Before the net's weights in files that hold a head, too."""
    shape: Callable[[Config], TransformerShape]
    """What config.json says of the net."""
    config: Callable[[TransformerShape, TokenTable], dict[str, Any]]
    """The inverse: what config.json must say for `transformers` to build the same net."""
    body: Callable[[TransformerShape], Names]
    """The net's weights."""
    head: Callable[[TransformerShape], Names]
    """The vocabulary layer's own weights; the last of them tells whether a file has one."""
    tied: Mapping[str, str]
    """Weights that a file may repeat, and which they repeat."""
    ignored: Mapping[str, str]
    """Beginnings of names that are passed over, and why: they do not belong to the encoder or its vocabulary layer."""
    optional: Names = field(default_factory=dict)
    """Weights of the net that never have the prefix, and are zeros where a file lacks them."""
    causal: bool = False
    """Whether it predicts next tokens, not hidden ones."""
    constants: tuple[str, ...] = ()
    """Endings of names of what older files carry and nothing learnt."""
    inputs_first: tuple[str, ...] = ()
    """Endings of names of matrices that files hold the other way round than ours: inputs x outputs."""


TASK_LAYERS = {
    "classifier.": "the layer of a task: classes of texts, of tokens, or of choices",
    "qa_outputs.": "the layer of a task: where an answer starts and ends",
}
"""What every family's fine-tuned checkpoints carry beside the encoder."""


def linear(theirs: str, *ours: str, bias: bool = True) -> Names:
    """The weight, and the bias if there is one, of a layer or norm."""
    return {f"{theirs}.{part}": tuple(f"{o}.{part}" for o in ours) for part in (("weight", "bias") if bias else ("weight",))}


def sized(shape: TransformerShape) -> dict[str, Any]:
    """The fields of config.json that all families share."""
    return {
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.ffn_width,
        "max_position_embeddings": shape.max_length + shape.position_offset,
        "tie_word_embeddings": shape.tied,
        "dtype": "float32",
    }


def read_sizes(config: Config) -> dict[str, Any]:
    return {
        "width": config.count("hidden_size"),
        "layers": config.count("num_hidden_layers"),
        "heads": config.count("num_attention_heads"),
        "ffn": config.count("intermediate_size"),
    }
