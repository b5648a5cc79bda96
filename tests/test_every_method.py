"""What every method must keep, parametrised over METHODS and BERT's variants: on CPU, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from halfseen.apps.array_model import open_array_model
from halfseen.contracts import Method, Sample
from halfseen.data.array_corpus import ArrayData, stacked
from halfseen.data.draw import KeyedDraw
from halfseen.data.intake import ImageIntake, TableIntake
from halfseen.data.scaling import TableScaler
from halfseen.data.tables import read_table
from halfseen.data.tokenizers import TokenTable, train
from halfseen.data.tokens import Segment, round_up
from halfseen.hub.arrays import save_model
from halfseen.hub.folder import load, save
from halfseen.methods import METHODS, make
from halfseen.methods.array import ArrayMethod
from halfseen.methods.array_recipes import (
    ArrayRecipe,
    AutoencoderRecipe,
    BinaryRecipe,
    ByolRecipe,
    CodecRecipe,
    DenoiserRecipe,
    FsqRecipe,
    LayerwiseRecipe,
    MaskedPatchesRecipe,
    NeighboursRecipe,
    Noise2SelfRecipe,
    OneHotRecipe,
    PairSize,
    SimclrRecipe,
    VaeRecipe,
    Views,
    VqvaeRecipe,
)
from halfseen.methods.recipes import (
    BartRecipe,
    BertRecipe,
    ElectraRecipe,
    GptBertRecipe,
    GptRecipe,
    MassRecipe,
    Recipe,
    T5Recipe,
    TextRecipe,
)
from halfseen.methods.speech import SpeechMethod
from halfseen.methods.speech_recipes import (
    ApcRecipe,
    DisentangleRecipe,
    HidingSize,
    HubertRecipe,
    SpeechRecipe,
    TeraRecipe,
    VocoderRecipe,
    VocoderSize,
    VoiceSize,
)
from halfseen.methods.text import TextMethod
from halfseen.nets.transformer import initialise
from halfseen.split.sounding import overtones
from halfseen.train.loop import Loop, weights_of
from halfseen.train.options import OptimOptions

TABLE = TokenTable(size=60, pad=0, unk=1, cls=2, sep=3, mask=4, special=frozenset(range(5)), sentence_ends=frozenset({5, 6, 7, 8}))
SENTINELS = tuple(range(60, 72))
WITH_SENTINELS = replace(TABLE, size=72, special=TABLE.special | set(SENTINELS), sentinels=SENTINELS)


@dataclass(frozen=True)
class Case:
    """A method with one of its recipes. of: the shape of a sample, for tables and images."""

    name: str
    recipe: Recipe
    of: tuple[int, ...] = ()

    def method(self, seed: int = 0) -> Method:
        if isinstance(self.recipe, ArrayRecipe):
            pair: ArrayMethod = make(self.name, self.recipe, self.recipe.shape(self.of))
            pair.initialise(seed)
            pair.meet(ArrayData("r", stacked(self.samples())))
            return pair
        if isinstance(self.recipe, SpeechRecipe):
            speech: SpeechMethod = make(self.name, self.recipe, self.recipe.shape(rate=RATE), BANDS)
            speech.initialise(seed)
            return speech
        assert isinstance(self.recipe, TextRecipe)
        other = segment(np.random.default_rng(9), 30)
        table = WITH_SENTINELS if self.name == "t5" else TABLE
        text: TextMethod = make(self.name, self.recipe, self.recipe.shape(layers=2, width=64), table, lambda where: other)
        initialise(text, seed)
        return text

    def samples(self) -> list[Sample]:
        rng = np.random.default_rng(0)
        if isinstance(self.recipe, SpeechRecipe):
            heard = [rng.normal(size=(int(rng.integers(12, 40)), BANDS)).astype(np.float32) for _ in range(12)]
            stack = getattr(self.recipe.net, "stack", 1)
            return [Sample(f"p:{i}", x_TF, beside(rng, len(x_TF), stack)) for i, x_TF in enumerate(heard)]
        if self.of:
            made = [rng.random(self.of) if len(self.of) == 3 else rng.normal(size=self.of) for _ in range(12)]
            return [Sample(f"r:{i}", x.astype(np.float32)) for i, x in enumerate(made)]
        return [Sample(f"s:{i}", segment(rng, int(rng.integers(6, 40))), {"ends": i % 3 == 0}) for i in range(12)]


TEXT = [
    Case("bert", BertRecipe()),
    Case("bert", BertRecipe(units="word", rate=0.3)),
    Case("bert", BertRecipe(units="span")),
    Case("bert", BertRecipe(pairs="order")),
    Case("bert", BertRecipe(pairs="next")),
    Case("electra", ElectraRecipe()),
    Case("gpt", GptRecipe()),
    Case("gptbert", GptBertRecipe()),
    Case("bart", BartRecipe()),
    Case("bart", BartRecipe(corruptions=("permute", "rotate", "mask", "delete"))),
    Case("mass", MassRecipe()),
    Case("t5", T5Recipe(rate=0.3)),
    Case("t5", T5Recipe(objective="drop", rate=0.3)),
    Case("t5", T5Recipe(objective="deshuffle")),
]
BANDS, CLUSTERS, RATE = 8, 20, 1600
TINY, STACKED = (HidingSize(layers=2, width=64, stack=stack) for stack in (1, 3))
SPEECH = [
    Case("apc", ApcRecipe(net=TINY)),
    Case("apc", ApcRecipe(net=STACKED)),
    Case("tera", TeraRecipe(net=TINY, share=0.3, span=5, hidden_bands=1)),
    Case("tera", TeraRecipe(net=STACKED, share=0.3)),
    Case("hubert", HubertRecipe(net=TINY, clusters=CLUSTERS, bend=0.02, level=0.02)),
    Case("hubert", HubertRecipe(net=STACKED, clusters=CLUSTERS, span=2, bend=0, level=0)),
    Case("disentangle", DisentangleRecipe(net=VoiceSize(layers=1, width=48, code=48, speaker=32, pace=1), bend=0.01)),
    Case("disentangle", DisentangleRecipe(net=VoiceSize(layers=1, width=48, code=48, speaker=32, pace=1), bend=0.01, levels=4)),
    Case("vocoder", VocoderRecipe(net=VocoderSize(layers=2, width=32))),
]
ROW, IMAGE = (7,), (1, 9, 12)
SMALL = PairSize(width=32, code=12)
ARRAYS = [
    Case("autoencoder", AutoencoderRecipe(net=SMALL), ROW),
    Case("autoencoder", AutoencoderRecipe(net=SMALL), IMAGE),
    Case("autoencoder", AutoencoderRecipe(net=SMALL, noise="gaussian", amount=0.05), ROW),
    Case("autoencoder", AutoencoderRecipe(net=replace(SMALL, kind="mlp"), noise="mask", amount=0.05), IMAGE),
    Case("autoencoder", AutoencoderRecipe(net=SMALL, noise="salt-and-pepper", amount=0.05), IMAGE),
    Case("layerwise", LayerwiseRecipe(net=SMALL), ROW),
    Case("layerwise", LayerwiseRecipe(net=SMALL, greedy=0.3), IMAGE),
    Case("vae", VaeRecipe(net=SMALL), ROW),
    Case("vae", VaeRecipe(net=SMALL, beta=0.5, free_bits=0.1), IMAGE),
    Case("binary", BinaryRecipe(net=replace(SMALL, code=32)), IMAGE),
    Case("onehot", OneHotRecipe(net=replace(SMALL, code=48), temperature=0.01), ROW),
    Case("denoiser", DenoiserRecipe(net=PairSize(layers=3, width=32), amount=0.1), IMAGE),
    Case("denoiser", DenoiserRecipe(net=PairSize(layers=3, width=32), noise="salt-and-pepper", amount=0.1), (3, 8, 10)),
    Case("codec", CodecRecipe(net=PairSize(width=16)), (3, 32, 32)),
    Case("neighbours", NeighboursRecipe(net=SMALL, neighbours=1), ROW),
    Case("neighbours", NeighboursRecipe(net=SMALL, neighbours=1), IMAGE),
    Case("noise2self", Noise2SelfRecipe(net=PairSize(layers=3, width=32)), IMAGE),
    Case("fsq", FsqRecipe(net=SMALL), ROW),
    Case("fsq", FsqRecipe(net=SMALL, levels=3), IMAGE),
    Case("vqvae", VqvaeRecipe(net=replace(SMALL, code=4), places=8, entries=96), ROW),
    Case("vqvae", VqvaeRecipe(net=replace(SMALL, code=8), entries=108), IMAGE),
    Case("simclr", SimclrRecipe(net=SMALL, replaced=0.3), ROW),
    Case("simclr", SimclrRecipe(net=SMALL, views=Views(crop=0.8, flip=True)), IMAGE),
    Case("byol", ByolRecipe(net=SMALL, replaced=0.3), ROW),
    Case("byol", ByolRecipe(net=SMALL), IMAGE),
    Case("maskedpatches", MaskedPatchesRecipe(net=SMALL, patch=2), IMAGE),
]
COUPLING = {("simclr", IMAGE), ("simclr", ROW), ("byol", ROW), ("neighbours", ROW), ("neighbours", IMAGE)}
"""In whose loss the samples of a batch depend on each other: as counter-examples, or because rows get numbers of other rows."""
RESTORING = {"bart", "mass", "t5"}
OPTIM = OptimOptions(learning_rate=3e-3)


def segment(rng: np.random.Generator, n: int) -> Segment:
    return Segment(rng.integers(5, 60, n), rng.random(n) < 0.6)


def beside(rng: np.random.Generator, frames: int, stack: int) -> dict[str, np.ndarray]:
    """What samples of speech bring beside their frames: clusters, and a pitch with its sound."""
    hertz_T = np.where(np.arange(frames) < frames // 2, rng.uniform(80, 200), 0.0)
    sound_TH = 0.1 * overtones(hertz_T, RATE // 100) + 0.001 * rng.normal(size=(frames, RATE // 100))
    return {"clusters": rng.integers(0, CLUSTERS, -(-frames // stack)), "hertz": hertz_T, "sound": sound_TH.astype(np.float32)}


def loop_of(case: Case, method: Method, *, steps: int = 4, micro_batches: int = 1, optim: OptimOptions = OPTIM) -> Loop:
    batch = case.samples()
    return Loop(
        method,
        lambda step: (0, batch),
        method.splitter,
        steps=steps,
        optim=optim,
        seed=0,
        bfloat16=False,
        micro_batches=micro_batches,
    )


def weights(method: Method) -> torch.Tensor:
    """Parameters and buffers."""
    return torch.cat([value.detach().flatten().float() for value in weights_of(method).values()])


def test_every_method_is_here() -> None:
    assert {case.name for case in TEXT + ARRAYS + SPEECH} == set(METHODS)


def named(case: Case) -> str:
    return f"{case.name} {case.recipe}"


@pytest.mark.parametrize("case", TEXT + ARRAYS + SPEECH, ids=named)
class TestEveryMethod:
    def test_overfits_one_batch(self, case: Case) -> None:
        steps = 30 if case.name == "codec" else 150
        loop = loop_of(case, case.method(), steps=steps)
        losses = [loop.step().loss for _ in range(steps)]
        if case.name == "codec":  # noise is dear to tell whatever was learnt
            assert losses[-1] < 0.9 * losses[0]
        elif case.name in ("vae", "neighbours"):  # a likelihood has no zero: each is told better by a factor of e at least
            assert losses[-1] < losses[0] - 1
        else:
            assert losses[-1] < 0.2 * losses[0]

    def test_accumulation_equals_the_full_batch(self, case: Case) -> None:
        if (case.name, case.of) in COUPLING:
            pytest.skip("each micro-batch is a batch of its own")
        whole, parts = case.method(), case.method()
        adamw = replace(OPTIM, kind="adamw", learning_rate=1e-3)
        one, three = loop_of(case, whole, optim=adamw), loop_of(case, parts, micro_batches=3, optim=adamw)
        for _ in range(2):
            a, b = one.step(), three.step()
            assert a.loss == pytest.approx(b.loss, abs=1e-5)
            assert a.weight == b.weight
        torch.testing.assert_close(weights(whole), weights(parts), atol=1e-5, rtol=0)

    def test_the_batch_around_a_sample_changes_nothing(self, case: Case) -> None:
        if (case.name, case.of) in COUPLING:
            pytest.skip("the others of the batch are what a sample is told from")
        method = case.method().eval()
        together = case.samples()
        whole = method(method.split(together, KeyedDraw(0, 0, together)))
        for i in (0, 5, 11):
            alone = method(method.split([together[i]], KeyedDraw(0, 0, [together[i]])))
            torch.testing.assert_close(alone.per_item[0], whole.per_item[i], atol=1e-5, rtol=1e-5)
            assert alone.weight[0] == whole.weight[i]

    def test_kill_and_resume_gives_equal_weights(self, case: Case) -> None:
        straight = case.method()
        loop = loop_of(case, straight)
        for _ in range(4):
            loop.step()
        first = loop_of(case, case.method())
        for _ in range(2):
            first.step()
        kept = {key: value.clone() for key, value in first.state().items()}
        second = case.method(seed=7)
        resumed = loop_of(case, second)
        resumed.restore(kept, 2)
        for _ in range(2):
            resumed.step()
        assert torch.equal(weights(straight), weights(second))

    def test_weights_that_rest_are_told(self, case: Case) -> None:
        method, batch = case.method(), case.samples()
        resting = False
        for progress in (0.0, 0.5, 0.99):
            method.zero_grad()
            method(method.splitter(progress)(batch, KeyedDraw(0, 0, batch))).per_item.sum().backward()
            resting |= any(p.requires_grad and p.grad is None for p in method.parameters())
        assert resting == method.some_rest, "two processes wait for the gradients of all others"

    def test_same_seed_same_weights(self, case: Case) -> None:
        assert torch.equal(weights(case.method(1)), weights(case.method(1)))
        assert not torch.equal(weights(case.method(1)), weights(case.method(2)))


@pytest.mark.parametrize("case", TEXT, ids=named)
class TestEveryTextMethod:
    def test_only_scored_positions_reach_the_vocabulary_layer(self, case: Case) -> None:
        method, batch = case.method().eval(), case.samples()
        split = method.split(batch, KeyedDraw(0, 0, batch))
        rows: list[int] = []
        head = getattr(method, "generator", method).head
        head.register_forward_hook(lambda module, given, out: rows.append(len(given[0])))
        method(split)
        assert rows == [round_up(len(split.scored), 64, 32)]
        if case.name in RESTORING:
            assert len(split.scored) == len(split.seen.target.ids), "every token that is written is scored, none that is read"
        elif case.name == "gpt":
            assert len(split.scored) == len(split.seen.ids), "every token is scored"
        else:
            assert rows[0] < (0.5 if case.name != "gptbert" else 0.8) * len(split.seen.ids)

    def test_save_and_load_give_equal_outputs(self, case: Case, tmp_path: Path) -> None:
        assert isinstance(case.recipe, TextRecipe)
        tokenizer = train(["a few words, again and again"] * 3, kind="bpe", size=280, sentinels=12)
        other = segment(np.random.default_rng(9), 30)
        method: TextMethod = make(case.name, case.recipe, case.recipe.shape(layers=2, width=64), tokenizer.table, lambda where: other)
        initialise(method, 3)
        save(tmp_path, method.net, method.head, tokenizer, card="# x\n")
        loaded = load(tmp_path)
        batch = case.samples()
        split = method.split(batch, KeyedDraw(0, 0, batch))
        assert (loaded.head is None) == (method.head is None)
        with torch.no_grad():
            ours_ND, theirs_ND = method.net(split.seen).last, loaded.net(split.seen).last
            assert torch.equal(ours_ND, theirs_ND)
            assert method.head is None or loaded.head is None or torch.equal(method.head(ours_ND), loaded.head(theirs_ND))


@pytest.mark.parametrize("case", ARRAYS, ids=named)
class TestEveryArrayMethod:
    def test_save_and_load_give_equal_codes(self, case: Case, tmp_path: Path) -> None:
        method, batch = case.method(seed=3), case.samples()
        assert isinstance(method, ArrayMethod)
        intake = ImageIntake(*case.of) if len(case.of) == 3 else TableIntake(TableScaler.fit(read_table(np.eye(7))))
        save_model(tmp_path, method=case.name, recipe=case.recipe, shape=method.shape, intake=intake, tensors=weights_of(method))
        loaded, found = open_array_model(tmp_path)
        seen = torch.from_numpy(stacked(batch))
        assert torch.equal(loaded.code(seen), method.code(seen))
        assert found == intake

    def test_what_is_not_scored_carries_no_gradient(self, case: Case) -> None:
        method, batch = case.method(), case.samples()
        split = method.split(batch, KeyedDraw(0, 0, batch))
        nothing = replace(split, scored=torch.zeros(1, dtype=torch.bool).expand(split.scored.shape))
        loss = method(nothing)
        loss.per_item.sum().backward()
        assert float(loss.weight.sum()) == 0
        assert all(p.grad is None or float(p.grad.abs().sum()) == 0 for p in method.parameters())
