"""What tells one set of weights from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Protocol

import numpy as np
from torch import Tensor


class HoldsWeights(Protocol):
    """A module, or what names its weights as one does."""

    def state_dict(self) -> Mapping[str, Tensor]: ...


def weights_hash(modules: Iterable[HoldsWeights]) -> str:
    """Of every weight's name and bytes."""
    found = sha256()
    for module in modules:
        for name, value in module.state_dict().items():
            found.update(name.encode())
            found.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return found.hexdigest()
