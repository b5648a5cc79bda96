"""A model of speech, opened for use."""

from __future__ import annotations

from pathlib import Path

from halfseen.contracts import UserError
from halfseen.data.logmel import LogMel
from halfseen.hub.arrays import CONFIG, SPEECH, filled, read_model
from halfseen.methods import METHODS, make
from halfseen.methods.speech import SpeechMethod
from halfseen.methods.speech_recipes import SpeechRecipe
from halfseen.methods.vocoder import Vocoder
from halfseen.train.recipe_file import revive


def open_speech_model(folder: Path) -> tuple[SpeechMethod, LogMel]:
    """The method, ready to be asked, and what makes its frames. Raises UserError if the folder holds no such model, a damaged one, or a
    vocoder, whose states say nothing of what is said."""
    method, frames = opened(folder)
    if isinstance(method, Vocoder):
        raise UserError(
            "holds a vocoder", where=str(folder), way_out="take a model of another method; `halfseen convert` has --vocoder for it"
        )
    return method, frames


def open_vocoder(folder: Path) -> tuple[Vocoder, LogMel]:
    """The same for a vocoder. Raises UserError for a model of anything else, and for one whose frames are not its net's."""
    method, frames = opened(folder)
    if not isinstance(method, Vocoder):
        raise UserError("holds no vocoder", where=str(folder), way_out="take a folder of `halfseen pretrain vocoder`")
    if method.shape.rate != frames.rate:
        what = f"damaged (frames of {frames.rate:,} Hz, but a net of {method.shape.rate:,})"
        raise UserError(what, where=str(folder / CONFIG), way_out="take the file that training wrote")
    return method, frames


def opened(folder: Path) -> tuple[SpeechMethod, LogMel]:
    config, tensors = read_model(folder, SPEECH, of="speech", way_out="name a folder of `halfseen pretrain apc`")
    name, where = config["method"], str(folder / CONFIG)
    if name not in METHODS or not issubclass(METHODS[name][1], SpeechRecipe):
        raise UserError(f"no method of speech is called {name!r}", where=where, way_out="take a newer halfseen")
    frames = LogMel.from_json(config["intake"], where)
    try:
        recipe: SpeechRecipe = revive(METHODS[name][1], config["recipe"])  # type: ignore[assignment]
        shape = revive(recipe.shape_kind, config["shape"])
        faults = shape.faults() + recipe.faults()
    except TypeError as error:
        faults = [f"damaged ({error})"]
    if faults:
        raise UserError("; ".join(faults), where=where, way_out="take the file that training wrote")
    method: SpeechMethod = filled(lambda: make(name, recipe, shape, frames.bands), tensors, folder)
    return method, frames
