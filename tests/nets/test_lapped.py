"""The lapped transform: orthonormal across blocks, and back to the same image up to its edges."""

from __future__ import annotations

import numpy as np
import torch

from halfseen.nets.lapped import HOP, SPAN, Lapped, lapped_basis, order_of_waves

ALL = [(colour, wave) for colour in range(3) for wave in range(64)]


def test_the_basis_is_orthonormal_and_so_are_neighbouring_blocks() -> None:
    basis, even, variance = lapped_basis()
    np.testing.assert_allclose(basis @ basis.T, np.eye(HOP), atol=1e-12)
    np.testing.assert_allclose(basis[:, HOP:] @ basis[:, : SPAN - HOP].T, 0, atol=1e-12)
    np.testing.assert_allclose(basis[:, ::-1], even[:, None] * basis, atol=1e-12)
    assert (np.diff(variance) < 0).all()


def test_the_smoothest_wave_comes_first() -> None:
    assert order_of_waves()[0] == (0, 0)
    assert sorted(order_of_waves()) == [(i, j) for i in range(HOP) for j in range(HOP)]


def test_there_and_back_is_the_same_image_up_to_its_edges() -> None:
    transform = Lapped(ALL)
    image = torch.rand(2, 3, 24, 40, generator=torch.Generator().manual_seed(0)) * 255
    coefficients = transform.analyse(image)
    assert coefficients.shape == (2, 192, 3, 5)
    torch.testing.assert_close(transform.synthesise(coefficients), image, atol=2e-3, rtol=0)
    torch.testing.assert_close(coefficients.square().sum(), image.square().sum(), rtol=1e-5, atol=0)


def test_bfloat16_products_leave_the_transform_precise() -> None:
    transform, image = Lapped(ALL), torch.rand(1, 3, 16, 16) * 255
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(transform.analyse(image), transform.analyse(image).float())
        assert transform.synthesise(transform.analyse(image)).dtype == torch.float32
