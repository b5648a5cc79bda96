"""Ways to learn without labels, one paper a file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from halfseen.methods.array_recipes import (
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
    SimclrRecipe,
    VaeRecipe,
    VqvaeRecipe,
)
from halfseen.methods.recipes import BartRecipe, BertRecipe, ElectraRecipe, GptBertRecipe, GptRecipe, MassRecipe, Recipe, T5Recipe
from halfseen.methods.speech_recipes import ApcRecipe, DisentangleRecipe, HubertRecipe, TeraRecipe, VocoderRecipe

METHODS: dict[str, tuple[str, type[Recipe]]] = {
    "bert": ("halfseen.methods.bert:Bert", BertRecipe),
    "electra": ("halfseen.methods.electra:Electra", ElectraRecipe),
    "gpt": ("halfseen.methods.gpt:Gpt", GptRecipe),
    "gptbert": ("halfseen.methods.gptbert:GptBert", GptBertRecipe),
    "bart": ("halfseen.methods.bart:Bart", BartRecipe),
    "mass": ("halfseen.methods.mass:Mass", MassRecipe),
    "t5": ("halfseen.methods.t5:T5", T5Recipe),
    "autoencoder": ("halfseen.methods.autoencoder:Autoencoder", AutoencoderRecipe),
    "layerwise": ("halfseen.methods.layerwise:Layerwise", LayerwiseRecipe),
    "vae": ("halfseen.methods.vae:Vae", VaeRecipe),
    "binary": ("halfseen.methods.binary:Binary", BinaryRecipe),
    "onehot": ("halfseen.methods.onehot:OneHot", OneHotRecipe),
    "fsq": ("halfseen.methods.fsq:Fsq", FsqRecipe),
    "vqvae": ("halfseen.methods.vqvae:Vqvae", VqvaeRecipe),
    "neighbours": ("halfseen.methods.neighbours:NeighbourKeeping", NeighboursRecipe),
    "simclr": ("halfseen.methods.simclr:Simclr", SimclrRecipe),
    "byol": ("halfseen.methods.byol:Byol", ByolRecipe),
    "maskedpatches": ("halfseen.methods.maskedpatches:MaskedPatches", MaskedPatchesRecipe),
    "denoiser": ("halfseen.methods.denoiser:Denoiser", DenoiserRecipe),
    "noise2self": ("halfseen.methods.noise2self:Noise2Self", Noise2SelfRecipe),
    "codec": ("halfseen.methods.codec:Codec", CodecRecipe),
    "apc": ("halfseen.methods.apc:Apc", ApcRecipe),
    "tera": ("halfseen.methods.tera:Tera", TeraRecipe),
    "hubert": ("halfseen.methods.hubert:Hubert", HubertRecipe),
    "disentangle": ("halfseen.methods.disentangle:Disentangle", DisentangleRecipe),
    "vocoder": ("halfseen.methods.vocoder:Vocoder", VocoderRecipe),
}
"""A method's name to where its class stands and to its options; the class is imported when it is used."""


def make(name: str, *parts: Any) -> Any:
    """A method by its name. parts: those of its kind of data: its recipe, a shape, and what comes with them."""
    module, kind = METHODS[name][0].split(":")
    return getattr(import_module(module), kind)(*parts)
