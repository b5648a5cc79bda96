"""The benchmark's head for whole recordings: states pooled over frames by their mean, layers mixed by learnt weights, a linear classifier.

Shapes: R recordings, L layers of width D; K things to tell of each, a class each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import torch

from halfseen.contracts import Array, UserError
from halfseen.suites.speech_head import fitted
from halfseen.suites.speech_tasks.arm import Arm
from halfseen.suites.speech_tasks.contract import Material, Metric, Outcome, Utterance
from halfseen.suites.speech_tasks.figures import ratio


def classified(metric: Metric, arm: Arm, material: Material, target: Callable[[Utterance], tuple[str, ...]]) -> Outcome:
    """The share of test recordings of which all is told right. target: the K classes of a recording.

    Raises UserError for classes of dev or test that nobody learnt.
    """
    return classified_in_folds(metric, arm, [material], target)


def classified_in_folds(metric: Metric, arm: Arm, folds: Sequence[Material], target: Callable[[Utterance], tuple[str, ...]]) -> Outcome:
    """The same over the test recordings of all folds; each has a head of its own."""
    right, names, mixes, penalties = [], [], [], []
    for material in folds:
        names_RK = [list(map(target, some)) for some in material.parts().values()]
        class_RK = numbered(names_RK, material.name)
        pooled = [pooled_mean(arm, some) for some in material.parts().values()]
        told_RK, mix_L, penalty = fitted((pooled[0], class_RK[0]), (pooled[1], class_RK[1]), pooled[2])
        right.append((told_RK == class_RK[2]).all(1))
        names += names_RK[2]
        mixes.append(mix_L)
        penalties.append(penalty)
    chance = Counter(names).most_common(1)[0][1] / len(names)
    layers = [round(share, 3) for share in np.mean(mixes, 0).tolist()]
    return Outcome((ratio(metric, np.concatenate(right)),), {"penalty": penalties, "layers": layers}, chance)


def pooled_mean(arm: Arm, utterances: Sequence[Utterance]) -> Array:
    """pooled_RLD."""
    return torch.stack([states_TLD.float().mean(0) for states_TLD in arm.layers(utterances)]).numpy()


def numbered(names: Sequence[Sequence[tuple[str, ...]]], where: str) -> list[Array]:
    """Classes of train, dev and test as numbers, (R, K) each, by the order of train's names. Raises UserError."""
    found = [np.empty((len(some), len(names[0][0])), np.int64) for some in names]
    for k in range(len(names[0][0])):
        known = {name: i for i, name in enumerate(sorted({each[k] for each in names[0]}))}
        for some, number_RK in zip(names, found, strict=True):
            if strange := sorted({each[k] for each in some} - known.keys()):
                what = f"label {strange[0]!r} is tested on, and nobody that is learnt from bears it"
                raise UserError(what, where=where, way_out="give training recordings of it, or take its recordings away")
            number_RK[:, k] = [known[each[k]] for each in some]
    return found
