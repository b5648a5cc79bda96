"""How far a sound is from another by the sizes of their spectra, whatever their phases.

Shapes: N frames of S samples laid end to end, H sound samples each; M places of the layout; K moments, B bins of a spectrum.
"""

from __future__ import annotations

import torch
from torch import Tensor

from halfseen.contracts import Loss
from halfseen.data.envelope import fft_size
from halfseen.data.logmel import FRAMES_PER_SECOND
from halfseen.data.speech_batch import Frames
from halfseen.nets.laid_out import Layout

WINDOWS = ((2.0, 1), (1.0, 2), (0.5, 4), (0.25, 4))
"""Of each kind of spectra: its window, in those of Kaldi's spectra, and how many there are in a frame's time."""
GAP = 4
"""Frames: half of the longest window, and a bit."""
FLOOR = 1e-5
"""Added to a size before its logarithm: what is much softer is silence."""
TINY = 1e-10
"""Of silence nothing is known but that."""
SHARE = 0.5
"""How much the distance of the sizes themselves counts beside that of their logarithms."""


def spectral_distance(told_NH: Tensor, target_NH: Tensor, scored_N1: Tensor, frames: Frames) -> Loss:
    """Multi-resolution distance of short-time spectra (Yamamoto et al. 2020, arXiv:1910.11480, equations 4 to 6), the mean of WINDOWS: in a
    frame the mean of |log told - log target| over bins, and as often SHARE of |told - target| / |target|, norms over all of a sample.

    weight_S counts the scored frames.
    """
    hop = told_NH.shape[1]
    scored_N1 = scored_N1.to(torch.float32)
    layout = Layout.of(frames, GAP)
    told_L, target_L = (layout.spread(x_NH.float() * scored_N1).flatten() for x_NH in (told_NH, target_NH))
    counts = layout.spread(scored_N1)[:, 0]
    samples = len(frames.lengths)
    weight_S = summed(counts, layout.owner, samples)
    logs_S, sizes_S = torch.zeros_like(weight_S), torch.zeros_like(weight_S)
    for share, often in WINDOWS:
        size = round(fft_size(hop * FRAMES_PER_SECOND) * share)
        told_BK, target_BK = (sizes(x_L, size, hop // often) for x_L in (told_L, target_L))
        owner_K, counts_K = layout.owner.repeat_interleave(often), counts.repeat_interleave(often)
        log_K = (torch.log(told_BK + FLOOR) - torch.log(target_BK + FLOOR)).abs().mean(0)
        logs_S = logs_S + summed(log_K * counts_K, owner_K, samples) / often
        off_S, whole_S = (summed(size_BK.square().sum(0) * counts_K, owner_K, samples) for size_BK in (told_BK - target_BK, target_BK))
        sizes_S = sizes_S + weight_S * torch.sqrt((off_S + TINY) / (whole_S + TINY))
    logs_S, sizes_S = logs_S / len(WINDOWS), sizes_S / len(WINDOWS)
    return Loss(logs_S + SHARE * sizes_S, weight_S, {"logarithms": logs_S.detach(), "sizes": sizes_S.detach()})


def sizes(x_L: Tensor, size: int, step: int) -> Tensor:
    """size_BK of the spectra whose windows have their middles at every `step`-th sample: a wave of size 1 has half of that."""
    window = torch.hann_window(size, device=x_L.device)
    spectra_BK = torch.stft(x_L, size, step, window=window / window.sum(), pad_mode="constant", return_complex=True)
    real_BK, imaginary_BK = torch.view_as_real(spectra_BK[:, :-1]).square().unbind(2)  # the last one is behind the end
    return torch.sqrt(real_BK + imaginary_BK + TINY**2)


def summed(x_M: Tensor, owner_M: Tensor, samples: int) -> Tensor:
    """x_S, without what is in gaps."""
    return x_M.new_zeros(samples + 1).index_add(0, owner_M, x_M)[:samples]
