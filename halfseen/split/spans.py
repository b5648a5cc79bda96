"""Spans of frames hidden in time, and bands of frequency (Mockingjay, arXiv:1910.12638, section 2.2; TERA, arXiv:2007.06028, section 3), or
steps whose cluster is asked for (HuBERT, arXiv:2106.07447, section II-B).

Shapes: N frames of S samples laid end to end, F bands each; K steps of some frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from halfseen.contracts import Array, Draw, Sample, Split, segment_ids
from halfseen.data.speech_batch import Frames, HiddenFrames, less_common, within
from halfseen.split.bent import disturbed

AS_THEY_ARE, OTHERS = 0.1, 0.1
"""Shares of the samples whose spans are left as they are, or are other frames of the same sample: as a net meets them later (TERA)."""


@dataclass(frozen=True)
class HideSpans:
    """Steps that are hidden: from each step on, with a probability, `span` of them, so that about `share` of all are hidden.

    stack: frames in a step. At least one span in each sample, of half of its steps at most.
    """

    share: float
    span: int
    stack: int

    def frames(self, lengths_S: Array, draw: Draw) -> Array:
        """hidden_N, of each frame."""
        steps_S = -(-lengths_S // self.stack)
        hidden_K = self.steps(steps_S, draw)
        first_S = np.cumsum(steps_S) - steps_S
        return np.asarray(hidden_K[first_S[segment_ids(lengths_S)] + within(lengths_S) // self.stack])

    def steps(self, steps_S: Array, draw: Draw) -> Array:
        """hidden_K. What no span covers is (1 - p)^span of the steps, p the probability of a start."""
        probability = 1 - (1 - self.share) ** (1 / self.span)
        number_K = draw(steps_S)
        sample_K, place_K = segment_ids(steps_S), within(steps_S)
        first_S = np.cumsum(steps_S) - steps_S
        starts_K = (number_K < probability) | (number_K == np.minimum.reduceat(number_K, first_S)[sample_K])
        span_K = np.minimum(self.span, np.maximum(1, steps_S // 2))[sample_K]
        last_start_K = np.maximum.accumulate(np.where(starts_K, np.arange(len(starts_K)), -1))
        since_K = np.arange(len(starts_K)) - last_start_K
        return np.asarray((last_start_K >= 0) & (since_K <= place_K) & (since_K < span_K))


@dataclass(frozen=True)
class HideFrames:
    """seen: spans of frames hidden, and in each sample neighbouring bands, up to `bands` of them. target: the frames as they are.
    scored_NF: the numbers that were hidden."""

    spans: HideSpans
    bands: int

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        whole = Frames.of(samples)
        lengths_S, count = whole.lengths.numpy(), whole.x.shape[1]
        sample_N = segment_ids(lengths_S)
        scored_N = self.spans.frames(lengths_S, draw)
        fate_N, other_N = draw(1)[sample_N], draw(lengths_S)
        width_S = np.floor(draw(1) * (min(self.bands, count) + 1))
        low_S = np.floor(draw(1) * (count - width_S + 1))
        band_F = np.arange(count)
        band_NF = torch.from_numpy((band_F >= low_S[:, None]) & (band_F < (low_S + width_S)[:, None]))[torch.from_numpy(sample_N)]
        first_N = (np.cumsum(lengths_S) - lengths_S)[sample_N]
        exchanged_N = scored_N & (fate_N < OTHERS)
        source_N = np.where(exchanged_N, first_N + (other_N * lengths_S[sample_N]).astype(np.int64), np.arange(len(sample_N)))
        x_NF = whole.x[torch.from_numpy(source_N)].masked_fill(band_NF, 0.0)
        seen = HiddenFrames(x_NF, whole.lengths, torch.from_numpy(scored_N & (fate_N >= OTHERS + AS_THEY_ARE)))
        return Split(seen, whole.x, torch.from_numpy(scored_N)[:, None] | band_NF)


@dataclass(frozen=True)
class HideSteps:
    """seen: spans of steps hidden, and the rest disturbed: bands bent by `bend` at most, louder or softer by `level` (see `disturbed`); a
    share `centred` of the samples comes less what its frames have in common that are not hidden.
    target_M: the clusters of these steps as they were; scored_M: the first frame of each.

    Samples bring `clusters`, one a step, in their `meta`.
    """

    spans: HideSpans
    bend: float = 0.0
    level: float = 0.0
    centred: float = 0.0

    def __call__(self, samples: Sequence[Sample], draw: Draw) -> Split:
        whole = disturbed(samples, draw, most=self.bend, level=self.level)
        lengths_S = whole.lengths.numpy()
        hidden_N = self.spans.frames(lengths_S, draw)
        first_N = within(lengths_S) % self.spans.stack == 0
        cluster_K = np.concatenate([sample.meta["clusters"] for sample in samples]).astype(np.int64)
        target_M = cluster_K[hidden_N[first_N]]
        scored_M = np.flatnonzero(hidden_N & first_N)
        x_NF = less_common(whole, torch.from_numpy(draw(1) < self.centred), torch.from_numpy(~hidden_N)) if self.centred else whole.x
        seen = HiddenFrames(x_NF, whole.lengths, torch.from_numpy(hidden_N))
        return Split(seen, torch.from_numpy(target_M), torch.from_numpy(scored_M))
