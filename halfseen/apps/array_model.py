"""A model of tables or images, opened for use."""

from __future__ import annotations

from pathlib import Path

import torch

from halfseen.contracts import UserError
from halfseen.data.intake import Intake
from halfseen.hub.arrays import CONFIG, WEIGHTS, read_arrays
from halfseen.methods import METHODS, make
from halfseen.methods.array import ArrayMethod
from halfseen.methods.array_recipes import ArrayRecipe
from halfseen.nets.pair_shape import PairShape
from halfseen.train.recipe_file import revive


def open_array_model(folder: Path) -> tuple[ArrayMethod, Intake]:
    """The method, ready to be asked, and how data are fed to it. Raises UserError if the folder holds no such model, or a damaged one."""
    kept = read_arrays(folder)
    where = str(folder / CONFIG)
    if kept.method not in METHODS or not issubclass(METHODS[kept.method][1], ArrayRecipe):
        raise UserError(f"no method of tables or images is called {kept.method!r}", where=where, way_out="take a newer halfseen")
    try:
        recipe, shape = revive(METHODS[kept.method][1], kept.recipe), revive(PairShape, kept.shape)
    except TypeError as error:
        raise UserError(f"damaged ({error})", where=where, way_out="take the file that training wrote") from error
    if faults := shape.faults() + recipe.faults():
        raise UserError("; ".join(faults), where=where, way_out="take the file that training wrote")
    if shape.of != kept.intake.shape:
        what = f"the net is for {shape.of}, but what feeds it gives {kept.intake.shape}"
        raise UserError(what, where=where, way_out="get the folder again")
    with torch.device("meta"):  # sizes that are claimed take no memory before they are held against the weights
        method: ArrayMethod = make(kept.method, recipe, shape)
    wanted, found = ({name: tuple(value.shape) for name, value in tensors.items()} for tensors in (method.state_dict(), kept.tensors))
    if strange := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        what = f"{', '.join(strange[:3])}: {len(strange)} weights do not fit the net that {CONFIG} tells of"
        raise UserError(what, where=str(folder / WEIGHTS), way_out="get the folder again")
    method.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in kept.tensors.items()}, assign=True
    )
    return method.eval(), kept.intake
