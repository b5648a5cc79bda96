"""What tells one set of weights from another."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from torch import nn


def weights_hash(modules: Iterable[nn.Module]) -> str:
    """Of every weight's name and bytes."""
    found = sha256()
    for module in modules:
        for name, value in module.state_dict().items():
            found.update(name.encode())
            found.update(np.ascontiguousarray(value.detach().cpu().numpy()).tobytes())
    return found.hexdigest()
