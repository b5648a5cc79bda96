"""Tokenizers: byte-level BPE, WordPiece, or characters, trained here or opened from a folder (`tokenizer.json`).

Each of the three gives back any Unicode string unchanged from `decode(encode(text))`, but for WordPiece's white space
and case, which it folds by design, and what is outside a WordPiece vocabulary, which becomes [UNK]; characters outside
a vocabulary of characters become their UTF-8 bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tokenizers as hf
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from halfseen.contracts import Array, UserError
from halfseen.data.files import write_atomically

Kind = Literal["bpe", "wordpiece", "characters"]

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The tokens with a duty, ids 0 to 4 in tokenizers trained here."""

DUTIES = {
    "pad": ("[PAD]", "<pad>"),
    "unk": ("[UNK]", "<unk>"),
    "cls": ("[CLS]", "<s>", "<|begin_of_text|>", "<|endoftext|>"),
    "sep": ("[SEP]", "</s>", "<|end_of_text|>", "<|endoftext|>"),
    "mask": ("[MASK]", "<mask>"),
}
"""A special token's duty, and its names in the families of BERT, RoBERTa, Llama and GPT-2. cls begins a text, sep ends it."""

SENTENCE_ENDS = (".", "!", "?", "。", "！", "？")

SENTINEL = "<extra_id_{}>"
"""T5's name of the token that stands for the n-th hidden span, counted from 0."""

NONE = -1
"""In place of the id of a token that a vocabulary does not have; a decoder needs only those that begin and end a text."""


@dataclass(frozen=True)
class TokenTable:
    """What a splitter and a net need to know of a vocabulary: its size, the ids with a duty (or NONE), all special ids; the tokens with
    which a sentence ends; the sentinels in their order, if there are any."""

    size: int
    pad: int
    unk: int
    cls: int
    sep: int
    mask: int
    special: frozenset[int]
    sentence_ends: frozenset[int] = frozenset()
    sentinels: tuple[int, ...] = ()

    def __len__(self) -> int:
        return self.size

    @property
    def plain(self) -> Array:
        """The ids of ordinary tokens, from which random replacements are drawn."""
        return np.setdiff1d(np.arange(self.size), np.fromiter(self.special, dtype=np.int64))


@dataclass(frozen=True)
class Pieces:
    """One text as ids_N; starts_N is true where a word begins; offsets_N2 are character positions in the text."""

    ids: Array
    starts: Array
    offsets: Array


class Tokenizer:
    """Text to ids and back, without special tokens: splitters add those."""

    def __init__(self, inner: hf.Tokenizer, *, where: str = "tokenizer") -> None:
        self.inner = inner
        inner.no_padding()
        inner.no_truncation()
        found = {duty: [id_ for id_ in map(inner.token_to_id, names) if id_ is not None] for duty, names in DUTIES.items()}
        ids = {duty: known[0] if known else NONE for duty, known in found.items()}
        added = {i for i, token in inner.get_added_tokens_decoder().items() if token.special}
        self.table = TokenTable(
            size=inner.get_vocab_size(),
            special=frozenset(added | set(ids.values())) - {NONE},
            sentence_ends=_sentence_ends(inner),
            sentinels=_sentinels(inner),
            **ids,
        )
        self._must_have(("cls", "sep"), where, "BERT, RoBERTa, Llama or GPT-2")

    def must_have_all(self, where: str) -> None:
        """Raises UserError if a token is missing that an encoder needs."""
        self._must_have(tuple(DUTIES), where, "BERT or RoBERTa")

    def _must_have(self, duties: tuple[str, ...], where: str, family: str) -> None:
        missing = [" or ".join(DUTIES[duty]) for duty in duties if getattr(self.table, duty) == NONE]
        if missing:
            raise UserError(f"no token {', '.join(missing)}", where=where, way_out=f"take a tokenizer of the {family} family")

    def token_of(self, duty: str) -> tuple[str, int]:
        """The name and id of the token with a duty: pad, unk, cls, sep or mask."""
        id_ = int(getattr(self.table, duty))
        return str(self.inner.id_to_token(id_)), id_

    @property
    def begins_texts(self) -> bool:
        """Whether a text that is to be continued begins with the token cls, as other programs are told: GPT-2's do not."""
        return self.inner.post_processor is None or self.inner.encode("").ids[:1] == [self.table.cls]

    def encode(self, text: str) -> Pieces:
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[Pieces]:
        return [_pieces(e) for e in self.inner.encode_batch(list(texts), add_special_tokens=False)]

    def encode_words(self, words: Sequence[str]) -> tuple[Array, Array]:
        """Words that somebody else separated: ids_N and word_N, the word that each piece belongs to."""
        e = self.inner.encode(list(words), is_pretokenized=True, add_special_tokens=False)
        return np.array(e.ids, dtype=np.int64), np.array(e.word_ids, dtype=np.int64)

    def decode(self, ids: Sequence[int] | Array) -> str:
        text = self.inner.decode([int(i) for i in ids], skip_special_tokens=False)
        assert isinstance(text, str)
        return text

    def token(self, id_: int) -> str:
        """The text of one token, as a person would write it; white space alone as signs for it."""
        text = self.decode([id_])
        return text.strip() or text.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥") or self.inner.id_to_token(id_) or ""

    def save(self, folder: Path, *, causal: bool = False, writes: bool = False) -> None:
        """Writes tokenizer.json and what `transformers` needs to open it.

        causal: for a decoder, before which other programs put the first token alone, not [CLS] ... [SEP]. writes: for any net that
        writes texts, which these two begin and end.
        """
        cls, sep = self.token_of("cls"), self.token_of("sep")
        copy = hf.Tokenizer.from_str(self.inner.to_str())
        if copy.post_processor is None:
            begin = processors.TemplateProcessing(single=f"{cls[0]} $A", pair=f"{cls[0]} $A $B", special_tokens=[cls])
            copy.post_processor = begin if causal else framing(cls, sep)
        write_atomically(folder / "tokenizer.json", copy.to_str(pretty=True).encode())
        config = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            **{f"{duty}_token": self.token_of(duty)[0] for duty in DUTIES if getattr(self.table, duty) != NONE},
            **({"bos_token": cls[0], "eos_token": sep[0]} if causal or writes else {}),
        }
        write_atomically(folder / "tokenizer_config.json", (json.dumps(config, indent=2) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise UserError("no tokenizer.json", where=str(folder), way_out="name a folder with a saved tokenizer")
        try:
            return cls(hf.Tokenizer.from_file(str(path)), where=str(path))
        except UserError:
            raise
        except Exception as error:  # the Rust library raises bare Exception
            raise UserError(f"not a tokenizer ({error})", where=str(path), way_out="save the tokenizer again") from error

    @property
    def fingerprint(self) -> str:
        """A hash of the vocabulary and rules, without what other programs add around a text, to tell one tokenizer from another."""
        from hashlib import sha256

        rules = json.loads(self.inner.to_str()) | {"post_processor": None}
        return sha256(json.dumps(rules).encode()).hexdigest()[:16]


def framing(cls: tuple[str, int], sep: tuple[str, int], *, double: bool = False) -> processors.TemplateProcessing:
    """What other programs add around a text or a pair: [CLS] a [SEP] b [SEP], the second part of type 1.

    double: RoBERTa's way, with two separators between the parts and no types.
    """
    (c, _), (s, _) = cls, sep
    pair = f"{c} $A {s} {s} $B {s}" if double else f"{c} $A {s} $B:1 {s}:1"
    return processors.TemplateProcessing(single=f"{c} $A {s}", pair=pair, special_tokens=[cls, sep])


def _sentence_ends(inner: hf.Tokenizer) -> frozenset[int]:
    """Tokens that end with a mark, as such, or in the letters that stand for its bytes."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    marks = (*SENTENCE_ENDS, *(byte_level.pre_tokenize_str(mark)[0][0] for mark in SENTENCE_ENDS))
    return frozenset(id_ for token, id_ in inner.get_vocab().items() if token.endswith(marks))


def _sentinels(inner: hf.Tokenizer) -> tuple[int, ...]:
    found: list[int] = []
    while (id_ := inner.token_to_id(SENTINEL.format(len(found)))) is not None:
        found.append(id_)
    return tuple(found)


def _pieces(encoding: hf.Encoding) -> Pieces:
    word_N = np.array([-1 if w is None else w for w in encoding.word_ids], dtype=np.int64)
    return Pieces(
        ids=np.array(encoding.ids, dtype=np.int64),
        starts=np.diff(word_N, prepend=-2) != 0,
        offsets=np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2),
    )


def train(texts: Iterable[str], *, kind: Kind, size: int, sentinels: int = 0) -> Tokenizer:
    """A tokenizer of at most `size` entries, learnt from texts; `sentinels` of them are kept for hidden spans.

    bpe: byte-level byte-pair encoding (GPT-2; Sennrich et al. 2015, arXiv:1508.07909). wordpiece: BERT's, lower-cased.
    characters: one token a character, as BERT does for Chinese.
    """
    reserved = [*SPECIAL, *(SENTINEL.format(i) for i in range(sentinels))]
    if kind == "bpe":
        inner = hf.Tokenizer(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        # A word bears the space before it; so must the blank that stands for one, or a lone space would stand before it.
        special = [hf.AddedToken(token, lstrip=token == "[MASK]", special=True) for token in reserved]
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        )
        inner.train_from_iterator(texts, trainer)
    elif kind == "wordpiece":
        inner = hf.Tokenizer(models.WordPiece(unk_token="[UNK]"))
        inner.normalizer = normalizers.BertNormalizer()
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        inner.decoder = decoders.WordPiece(cleanup=False)
        inner.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, special_tokens=reserved, show_progress=False))
    else:
        inner = _characters(texts, size, reserved)
    return Tokenizer(inner)


def _characters(texts: Iterable[str], size: int, reserved: Sequence[str]) -> hf.Tokenizer:
    """The commonest characters as a BPE without merges whose unknown characters fall back to their UTF-8 bytes."""
    from collections import Counter

    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    kept = [c for c, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: max(0, size - len(reserved) - 256)]]
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys([*reserved, *bytes_, *kept]))}
    inner = hf.Tokenizer(models.BPE(vocab=vocabulary, merges=[], byte_fallback=True))
    inner.pre_tokenizer = pre_tokenizers.Split(hf.Regex(r"[\s\S]"), "isolated")
    inner.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    inner.add_special_tokens(list(reserved))
    return inner


CHINESE_SHARE = 0.3


def choose_kind(sample: str) -> Kind:
    """Characters where a good part of the text is Chinese, byte-level BPE elsewhere."""
    chinese = sum("\u3400" <= c <= "\u9fff" for c in sample)
    return "characters" if chinese > CHINESE_SHARE * max(1, len(sample)) else "bpe"


def choose_size(corpus_bytes: int) -> int:
    """8,192 entries for a small corpus, up to 16,384 from 100 MB on."""
    return 8192 if corpus_bytes < 30e6 else 12288 if corpus_bytes < 100e6 else 16384


def batched(texts: Iterable[str], count: int = 1000) -> Iterator[list[str]]:
    """Texts in lists of `count`, for `encode_batch`."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == count:
            yield batch
            batch = []
    if batch:
        yield batch
