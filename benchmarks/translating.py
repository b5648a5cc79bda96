"""Sentences a second of beam search with four beams, English to French, by a translator that is learnt here from Multi30k.

Peer: `transformers`' generate on the same weights and the same batches of like lengths. Both are judged by BLEU on the same sentences.
"""

from __future__ import annotations

import lzma
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from transformers import BartForConditionalGeneration

import halfseen
from benchmarks.interleave import interleave
from halfseen.contracts import Sample
from halfseen.methods.recipes import NetSize
from halfseen.tasks.saved import load_task
from halfseen.tasks.seq2seq import BEAMS, SOURCE_TOKENS, Seq2Seq, longest_answer
from halfseen.tasks.task import by_length
from halfseen.tasks.translation_metrics import bleu

LANGUAGES = ("en", "fr")
LEARNING_STEPS, PAIRS, SENTENCES = 120, 800, 200


def translator(data: Path, folder: Path, *, smoke: bool) -> Seq2Seq:
    """Pre-trained on the lines of both languages, fine-tuned on the first pairs."""
    folder.mkdir()
    lines = {code: lzma.decompress((data / f"train.{code}.xz").read_bytes()).decode().splitlines() for code in LANGUAGES}
    (folder / "both.txt").write_text("\n".join(line for code in LANGUAGES for line in lines[code]), encoding="utf-8")
    for code in LANGUAGES:
        (folder / f"train.{code}").write_text("\n".join(lines[code][: 50 if smoke else PAIRS]), encoding="utf-8")
        (folder / f"dev.{code}").write_text("\n".join(lines[code][-20:]), encoding="utf-8")
    pairs = {name: ",".join(str(folder / f"{name}.{code}") for code in LANGUAGES) for name in ("train", "dev")}
    halfseen.pretrain(
        "bart",
        folder / "both.txt",
        out=folder / "bart",
        steps=3 if smoke else LEARNING_STEPS,
        batch_tokens=4096,
        vocabulary=4000,
        length=64,
        net=NetSize(layers=4, width=192),
    )
    halfseen.finetune("seq2seq", model=folder / "bart", out=folder / "judged", seeds=1, learning_rates=(1e-3,), **pairs)
    _, task = load_task(folder / "judged")
    assert isinstance(task, Seq2Seq)
    return task


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    folder, multi30k = Path(tempfile.mkdtemp()) / "translator", data / "multi30k"
    task = translator(multi30k, folder, smoke=smoke)
    peer = BartForConditionalGeneration.from_pretrained(folder / "judged" / "model").eval()
    count = 8 if smoke else SENTENCES
    sources, truth = ((multi30k / f"test_2016_flickr.{code}").read_text(encoding="utf-8").splitlines()[:count] for code in LANGUAGES)
    table, never = task.tokenizer.table, task.never.tolist()
    ids = [[table.cls, *pieces.ids.tolist(), table.sep] for pieces in task.tokenizer.encode_batch(sources)]
    written: dict[str, list[str]] = {}

    def ours() -> float:
        started = time.perf_counter()
        written["halfseen"] = task.predict([Sample(str(i), source) for i, source in enumerate(sources)])
        return count / (time.perf_counter() - started)

    def theirs() -> float:
        said = [""] * count
        started = time.perf_counter()
        for chosen in by_length([len(row) for row in ids], SOURCE_TOKENS):
            longest = max(len(ids[i]) for i in chosen)
            padded = torch.tensor([ids[i] + [table.pad] * (longest - len(ids[i])) for i in chosen])
            valid = torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in chosen])
            room = min(task.net.shape.max_length - 1, longest_answer(longest))
            found = peer.generate(
                padded,
                attention_mask=valid,
                num_beams=BEAMS,
                length_penalty=1.0,
                early_stopping=False,
                do_sample=False,
                max_new_tokens=room,
                suppress_tokens=never,
            )
            for i, row in zip(chosen, found.tolist(), strict=True):
                said[i] = task.tokenizer.decode([token for token in row if token not in table.special]).strip()
        seconds = time.perf_counter() - started
        written["transformers"] = said
        return count / seconds

    rows = interleave({"transformers": theirs, "halfseen": ours}, rounds=rounds, unit="sentences/s", reference="transformers")
    judged = {name: bleu(truth, texts)[0].value for name, texts in written.items()}
    same = sum(a == b for a, b in zip(written["halfseen"], written["transformers"], strict=True)) / count
    if not smoke and abs(judged["halfseen"] - judged["transformers"]) > 0.1:
        raise AssertionError(f"BLEU is not that of transformers: {judged}")
    return {"tables": {"beam search, 4 beams": rows}, "bleu": judged, "same texts": same}
