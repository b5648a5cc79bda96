"""Our scikit-learn estimators in a folder: NAME.json says how one was made, NAME.safetensors holds its arrays. Never pickle."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as arrays_to_bytes
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from halfseen.contracts import Array, UserError
from halfseen.data.files import write_atomically, write_json, writing

DAMAGED = (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)
"""What a file raises that says something else than was written."""


class KeptEstimator(BaseEstimator):  # type: ignore[misc]
    """Is saved, and loaded again with what it learnt."""

    file: ClassVar[str]
    """What its files are called, without their endings."""
    written_by: ClassVar[str]
    """What such a folder is, in words: what `load` asks for."""

    def save(self, folder: str | Path) -> None:
        """Into a folder, made if it is not there. Raises UnwritableError."""
        check_is_fitted(self)
        folder = Path(folder)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_json(self._facts_file(folder), self._facts() | self._write_learnt(folder))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """What `save` wrote. Raises UserError if the folder holds no such estimator, or a damaged one."""
        folder = Path(folder)
        file = cls._facts_file(folder)
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
            made = cls._of_facts(facts)
            made._read_learnt(folder, facts)
        except FileNotFoundError as error:
            missing = Path(error.filename or file).name
            raise UserError(f"no {missing}", where=str(folder), way_out=f"name a folder that {cls.written_by}") from None
        except DAMAGED as error:
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise UserError(f"damaged ({said})", where=str(folder), way_out="fit it anew") from error
        return made

    @abstractmethod
    def _write_learnt(self, folder: Path) -> dict[str, Any]:
        """Writes the arrays; what else was learnt, as JSON has it."""

    @abstractmethod
    def _read_learnt(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Takes back what `_write_learnt` wrote and gave. Raises UserError or one of DAMAGED for anything else."""

    def _write_arrays(self, folder: Path, arrays: Mapping[str, Array]) -> None:
        raw = arrays_to_bytes({key: np.asarray(value, order="C") for key, value in arrays.items()})
        write_atomically(folder / f"{self.file}.safetensors", raw)

    def _read_arrays(self, folder: Path) -> dict[str, Array]:
        return dict(load_file(folder / f"{self.file}.safetensors"))

    @classmethod
    def _facts_file(cls, folder: Path) -> Path:
        return folder / f"{cls.file}.json"

    def _facts(self) -> dict[str, Any]:
        """The parameters and what scikit-learn knows of a fitted estimator."""
        columns = getattr(self, "feature_names_in_", np.array([])).tolist()
        return {"parameters": self.get_params(), "columns": columns, "features": self.n_features_in_}

    @classmethod
    def _of_facts(cls, facts: Mapping[str, Any]) -> Self:
        made = cls(**facts["parameters"])
        made.n_features_in_ = int(facts["features"])
        if facts["columns"]:
            made.feature_names_in_ = np.array(facts["columns"], dtype=object)
        return made
