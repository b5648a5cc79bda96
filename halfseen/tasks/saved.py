"""A fine-tuned model on disk: its net in the Hugging Face layout, and beside it task.json and task.safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from halfseen.contracts import UserError
from halfseen.data.files import write_atomically
from halfseen.data.labels import Kind, Learnt
from halfseen.data.schemes import SCHEMES, Scheme
from halfseen.hub.folder import load, save
from halfseen.nets.heads import NextHead
from halfseen.tasks.fit import TASKS
from halfseen.tasks.regress import Regress
from halfseen.tasks.seq2seq import Seq2Seq
from halfseen.tasks.task import Task

FILE, WEIGHTS = "task.json", "task.safetensors"


def save_task(folder: Path, kind: Kind, method: Task, scheme: Scheme | None = None) -> None:
    """scheme: that of the training file."""
    from safetensors.torch import save as to_bytes

    folder.mkdir(parents=True, exist_ok=True)
    save(
        folder,
        method.net,
        method.head if isinstance(method.head, NextHead) else None,
        method.tokenizer,
        card=f"# A model fine-tuned by `halfseen` for {kind}\n" + (f"\nLabels: {', '.join(method.labels)}\n" if method.labels else ""),
    )
    facts: dict[str, Any] = {"kind": kind, "labels": list(method.labels), "pooling": method.pooling, "scheme": scheme}
    if isinstance(method, Regress):
        facts |= {"centre": method.centre, "spread": method.spread}
    write_atomically(folder / WEIGHTS, to_bytes({name: value.contiguous() for name, value in method.head.state_dict().items()}))
    write_atomically(folder / FILE, (json.dumps(facts, ensure_ascii=False, indent=1) + "\n").encode())


def load_task(folder: Path) -> tuple[Kind, Task]:
    """Raises UserError if the folder holds no fine-tuned model."""
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    place = _place(folder)
    loaded = load(place)
    try:
        facts = json.loads((place / FILE).read_text(encoding="utf-8"))
        kind: Kind = facts["kind"]
        if kind == "regress":
            method: Task = Regress(loaded.net, loaded.tokenizer, facts["pooling"], centre=facts["centre"], spread=facts["spread"])
        elif kind == "seq2seq":
            method = Seq2Seq(loaded.net, loaded.tokenizer)
        else:
            method = TASKS[kind](loaded.net, loaded.tokenizer, facts["labels"], facts["pooling"])
        method.head.load_state_dict(from_bytes((place / WEIGHTS).read_bytes()))
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise UserError(f"damaged ({error})", where=str(place), way_out="fine-tune again") from error
    return kind, method


def load_learnt(folder: Path) -> Learnt:
    """What the model learnt from; its scheme is None in folders of a time when it was not written. Raises UserError as `load_task`."""
    place = _place(folder)
    try:
        facts = json.loads((place / FILE).read_text(encoding="utf-8"))
        scheme = facts.get("scheme")
        if scheme is not None and scheme not in SCHEMES.get(facts["kind"], ()):
            raise ValueError(f"scheme {scheme!r} is not for {facts['kind']}")
        return Learnt(scheme, tuple(facts["labels"]))
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"damaged ({error})", where=str(place), way_out="fine-tune again") from error


def _place(folder: Path) -> Path:
    for place in (folder, folder / "model"):
        if (place / FILE).exists():
            return place
    raise UserError(f"no {FILE}; this is not a fine-tuned model", where=str(folder), way_out="name a folder that `halfseen finetune` wrote")
