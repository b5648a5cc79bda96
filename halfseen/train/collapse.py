"""Whether codes still tell samples apart, or have collapsed: every sample the same code, or few letters used of many.

Shapes: N samples; code_NE; letters_NP of a discrete code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from halfseen.contracts import Array, Sample
from halfseen.data.array_corpus import stacked
from halfseen.methods.array import ArrayMethod, Words

LEAST_SPREAD, LEAST_RANK, LEAST_PERPLEXITY = 0.1, 2.0, 0.05
"""Below these a code has collapsed: the spread; the effective rank, of codes of many numbers; the perplexity, as a share of its range."""
MANY = 8


@torch.no_grad()
def watch(method: ArrayMethod, batches: Sequence[Sequence[Sample]]) -> dict[str, float]:
    """`spread`, `effective_rank`, and of discrete codes `usage` and `perplexity`."""
    training = method.training
    method.eval()
    device = next(method.parameters()).device
    code_NE = torch.cat([method.code(torch.from_numpy(stacked(samples)).to(device)) for samples in batches])
    words = method.words(code_NE)
    method.train(training)
    found = feature_spread(code_NE.double().cpu().numpy())
    return found if words is None else found | letter_use(words)


def feature_spread(code_NE: Array) -> dict[str, float]:
    """spread: the mean standard deviation of the numbers of codes scaled to length 1, times the root of E: 1 if they point everywhere, 0
    if all point the same way (as in arXiv:2011.10566, section 4.1). effective_rank: the exponential of the entropy of the singular values
    of the codes less their mean (Roy and Vetterli 2007): in how many directions they differ."""
    length_N1 = np.linalg.norm(code_NE, axis=1, keepdims=True)
    spread = (code_NE / np.maximum(length_N1, 1e-12)).std(0).mean() * np.sqrt(code_NE.shape[1])
    value = np.linalg.svd(code_NE - code_NE.mean(0), compute_uv=False)
    share = value[value > 1e-6 * max(1e-12, float(length_N1.max()))]
    share = share / share.sum() if len(share) else share
    return {"spread": float(spread), "effective_rank": float(np.exp(-(share * np.log(share)).sum())) if len(share) else 0.0}


def letter_use(words: Words) -> dict[str, float]:
    """usage: the share of the letters that are used. perplexity: the exponential of their entropy, as if so many were used alike. Of places
    with letters of their own, the mean over places."""
    letter_NP = words.letter.cpu().numpy()
    places = [letter_NP.ravel()] if words.shared else list(letter_NP.T)
    shares = [np.bincount(place, minlength=words.letters) / len(place) for place in places]
    entropies = [-(share[share > 0] * np.log(share[share > 0])).sum() for share in shares]
    usage = float(np.mean([(share > 0).mean() for share in shares]))
    return {"usage": usage, "perplexity": float(np.mean(np.exp(entropies))), "letters": float(words.letters)}


def collapsed(found: Mapping[str, float], code: int) -> str:
    """A sentence if the figures of `watch` are those of a collapsed code of so many numbers, or nothing."""
    told = []
    if found["spread"] < LEAST_SPREAD:
        told.append(f"all samples have nearly the same code (spread {found['spread']:.3f})")
    elif code >= MANY and found["effective_rank"] < LEAST_RANK:
        told.append(f"codes of {code} numbers differ in {found['effective_rank']:.1f} directions")
    if "letters" in found and found["perplexity"] - 1 < LEAST_PERPLEXITY * (found["letters"] - 1):
        told.append(f"of {found['letters']:.0f} letters {found['perplexity']:.1f} are used")
    return f"the code has collapsed: {' and '.join(told)}" if told else ""
