"""`halfseen export`: a model alone, in the Hugging Face layout, and as ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """A model for use elsewhere."""

    model: str
    """A folder of ours or in the Hugging Face layout, minilm, or hf:NAME."""
    out: Path
    """A new folder for config.json, model.safetensors, tokenizer.json and the model card."""
    onnx: bool = False
    """Also write model.onnx."""


def export(model: str, *, out: str | Path, onnx: bool = False) -> dict[str, Any]:
    """Writes the folder and returns {"out", "files"}. Raises UserError if `out` holds something already, or cannot be written."""
    from halfseen.data.claim import claim
    from halfseen.hub.find import find
    from halfseen.hub.folder import load, save

    out = Path(out)
    loaded = load(find(model))
    if onnx:
        from halfseen.hub.onnx import export_onnx, must_be_one_pass

        must_be_one_pass(loaded)
    claim(out)
    card = loaded.folder / "README.md"
    save(
        out,
        loaded.net,
        loaded.head,
        loaded.tokenizer,
        card=card.read_text(encoding="utf-8") if card.exists() else f"# {Path(model).name}\n",
    )
    if onnx:
        export_onnx(loaded, out / "model.onnx")
    return {"out": str(out), "files": sorted(path.name for path in out.iterdir())}


def run(options: ExportOptions) -> dict[str, Any]:
    return export(options.model, out=options.out, onnx=options.onnx)
