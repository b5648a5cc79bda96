"""A tiny tokenizer and net, and a tiny model on disk, for tests that need one."""

from __future__ import annotations

from pathlib import Path

from halfseen.data.tokenizers import Tokenizer, train
from halfseen.hub.folder import save
from halfseen.methods.bert import Bert
from halfseen.methods.recipes import BertRecipe
from halfseen.nets.shape import TransformerShape
from halfseen.nets.transformer import Transformer, initialise

ENGLISH = ["the warm film moves us all .", "a dull and lifeless mess , a bore .", "who wrote the book in 1950 ?"] * 20
CHINESE = ["我喜欢这部电影。", "这本书很无聊。", "作者住在北京。"] * 20
SHAPE = TransformerShape(width=32, layers=2, heads=2, max_length=64)


def tokenizer(*, chinese: bool = False) -> Tokenizer:
    return train(CHINESE, kind="characters", size=100) if chinese else train(ENGLISH, kind="bpe", size=320)


def net(vocabulary: int, seed: int = 0) -> Transformer:
    made = Transformer(SHAPE, vocabulary)
    initialise(made, seed, spread=0.1)
    return made


def model_folder(folder: Path) -> Path:
    """A model with its vocabulary layer, untrained."""
    words = tokenizer()
    method = Bert(BertRecipe(), SHAPE, words.table)
    initialise(method, 0, spread=0.1)
    folder.mkdir(parents=True)
    save(folder, method.net, method.head, words, card="# tiny\n")
    return folder
