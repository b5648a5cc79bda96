"""What three minutes of pre-training are worth: tags with 200 labelled sentences, sentiment with 512 labelled phrases.

Text: novels, news and speeches, and the training sentences of SST-2 without their labels. As many pre-training seeds as rounds, three
label seeds each, scored on the dev parts; random weights and the plain baselines beside the first one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import halfseen
from benchmarks.material import tsv

MINUTES = 3.0
TEXTS = ("novels20", "bbc_news", "abc_news", "us_speeches")
LINES = "ud/UD_English-LinES/en_lines-ud-{}.conllu.xz"


def unlabelled(data: Path, folder: Path) -> list[str]:
    """The text to pre-train on; SST-2's sentences, each once, in a file of their own."""
    sentences = folder / "sst2.txt"
    rows = dict.fromkeys(row[0].strip() for row in tsv(data / "glue/SST-2/train.tsv.xz"))
    sentences.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return [*(str(data / "text_en" / f"{name}.tar.xz") for name in TEXTS), str(sentences)]


def run(data: Path, *, rounds: int, smoke: bool) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = unlabelled(data, folder)
        for seed in range(rounds):
            model = str(folder / f"model-{seed}")
            budget: dict[str, Any] = {"steps": 3} if smoke else {"minutes": MINUTES}
            learnt = halfseen.pretrain("bert", texts, out=model, seed=seed, **budget)
            common: dict[str, Any] = {"model": model, "controls": seed == 0, "seeds": 2 if smoke else 3}
            tags = halfseen.finetune(
                "tag",
                train=data / LINES.format("train"),
                dev=data / LINES.format("dev"),
                out=folder / f"tags-{seed}",
                labels="8" if smoke else "200",
                **common,
            )
            feeling = halfseen.score("glue", data=data / "glue", tasks="sst2", labels="16" if smoke else "512", **common)
            net = {"layers": learnt["net"]["layers"], "width": learnt["net"]["width"]}
            pretraining = {"tokens": learnt["tokens"], "heldout_loss": learnt["heldout"]["loss"], **net}
            scores = [
                {key: row[key] for key in ("task", "arm", "name", "value", "stderr", "labels")}
                for row in (*tags["scores"], *feeling["scores"])
            ]
            found.append({"seed": seed, **pretraining, "scores": scores})
            print(found[-1], flush=True)
    return {"runs": found}
