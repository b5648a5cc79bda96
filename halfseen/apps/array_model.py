"""A model of tables or images, opened for use."""

from __future__ import annotations

from pathlib import Path

from halfseen.contracts import UserError
from halfseen.data.intake import Intake
from halfseen.hub.arrays import CONFIG, filled, read_arrays
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
    method: ArrayMethod = filled(lambda: make(kept.method, recipe, shape), kept.tensors, folder)
    return method, kept.intake
