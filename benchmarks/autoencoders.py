"""VAE and VQ-VAE on 28 x 28 digits: images a second of training beside pythae's trainer, with the same sizes.

pythae's default nets for images are one hidden layer of 512 units each way; its VQ-VAE has one entry of 512 for each image. Ours get the
same layers, code and codebook, batch size and AdamW; all else is each one's own. pythae computes in float32 (its mixed precision is for
GPUs alone) and judges by squared error; ours once in float32 and once in what `--precision measured` takes on this machine, and judges by a
discretised logistic likelihood (VAE), which is dearer, and by squared error (VQ-VAE). So that both compute alike, the VAE learns once more
from images as rows of a table, which are judged by squared error over a learnt variance. Each in a process of its own. Needs
`pip install pythae`, version 0.1.2.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.interleave import Contender, apart, interleave
from halfseen.data.array_corpus import ArrayBatches, ArrayData
from halfseen.data.images import open_images
from halfseen.methods import make
from halfseen.methods.array_recipes import ArrayRecipe, PairSize, VaeRecipe, VqvaeRecipe
from halfseen.train.budget import choose_bfloat16
from halfseen.train.loop import Loop
from halfseen.train.options import OptimOptions

IMAGES, HIDDEN, CODE, ENTRIES = 8000, 512, 16, 512
NET = PairSize(kind="mlp", layers=1, width=HIDDEN, code=CODE)
RECIPES: dict[str, ArrayRecipe] = {"vae": VaeRecipe(net=NET), "vqvae": VqvaeRecipe(net=NET, places=1, entries=ENTRIES)}
EPOCHS = 5


def halfseen_rate(name: str, images: torch.Tensor, batch: int, epochs: int, bfloat16: bool) -> Contender:
    """images: levels, uint8 (R, 1, 28, 28), or rows, float32 (R, 784)."""
    data = ArrayData("digits", images.numpy())
    batches = ArrayBatches(data, batch=batch, seed=0)
    method = make(name, RECIPES[name], RECIPES[name].shape(tuple(images.shape[1:])))
    method.initialise(0)
    steps = epochs * batches.per_epoch
    loop = Loop(method, batches, method.splitter, steps=10**6, optim=OptimOptions(kind="adamw"), seed=0, bfloat16=bfloat16)
    for _ in range(5):
        loop.step()

    def rate() -> float:
        started = time.perf_counter()
        seen = sum(loop.step().tokens for _ in range(steps))
        return seen / (time.perf_counter() - started)

    return rate


def pythae_rate(name: str, levels: torch.Tensor, batch: int, epochs: int) -> Contender:
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VQVAE, VAEConfig, VQVAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    os.environ["TQDM_DISABLE"] = "1"
    logging.disable(logging.WARNING)
    sizes = {"input_dim": (1, 28, 28), "latent_dim": CODE}
    model = VAE(VAEConfig(**sizes)) if name == "vae" else VQVAE(VQVAEConfig(**sizes, num_embeddings=ENTRIES, use_ema=True))
    folder = tempfile.mkdtemp()
    settings = BaseTrainerConfig(
        output_dir=folder, num_epochs=epochs, per_device_train_batch_size=batch, learning_rate=1e-3, optimizer_cls="AdamW", no_cuda=True
    )
    trainer = BaseTrainer(model, BaseDataset(levels.float() / 255, torch.zeros(len(levels))), training_config=settings, callbacks=[])
    trainer.prepare_training()
    trainer.train_step(1)

    def rate() -> float:
        started = time.perf_counter()
        for epoch in range(epochs):
            trainer.train_step(epoch)
        return epochs * len(levels) / (time.perf_counter() - started)

    return rate


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    images = open_images(data / "mnist_t10k" / "t10k-images-idx3-ubyte.gz")
    count, epochs = (512, 1) if smoke else (IMAGES, EPOCHS)
    levels = torch.from_numpy(images.source[:count, None, :, :, 0])  # type: ignore[call-overload]
    tables = {}
    for name in RECIPES:
        for batch in (64, 256):
            contenders = {
                "pythae": apart(pythae_rate, name, levels, batch, epochs),
                "halfseen, float32": apart(halfseen_rate, name, levels, batch, epochs, False),
            }
            measured = choose_bfloat16("measured")
            if measured:
                contenders["halfseen, bfloat16 as measured"] = apart(halfseen_rate, name, levels, batch, epochs, True)
            if name == "vae":
                rows = levels.flatten(1).float() / 255
                contenders["halfseen as measured, squared error"] = apart(halfseen_rate, name, rows, batch, epochs, measured)
            title = f"{name}, batches of {batch}, {torch.get_num_threads()} threads"
            tables[title] = interleave(contenders, rounds=rounds, unit="images/s", reference="pythae")
    return {"tables": tables}
