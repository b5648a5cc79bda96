"""`halfseen score voice`: recordings of some speakers converted to each other's voices, judged by those whom no converter ever met.

Each speaker's recordings of a word are dealt out: some are converted, some are what a voice is known by, some are given to the converter
as the target, and from the rest a recogniser learns the words. Beside each road stand the source as it is (floor), the source's own
frames made sound again (what making sound costs), and the target's own recordings of the word made sound again (ceiling).

Shapes: N samples; T frames of F bands.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from halfseen.apps.converter import Codes, Neighbours, Road, Voice, voice_of
from halfseen.apps.vocoder import NeuralVocoder, Source, Vocoder, vocoder_of
from halfseen.contracts import Array, UserError
from halfseen.data.claim import SOUNDS, claim
from halfseen.data.clips import clips
from halfseen.data.faults import all_faults, brief
from halfseen.data.files import write_json
from halfseen.data.logmel import LogMel
from halfseen.data.sound import read_sound, trimmed
from halfseen.methods.disentangle import Disentangle
from halfseen.report.page import write_report
from halfseen.report.results import Results, ScoreRow
from halfseen.report.sounds import Sound, example
from halfseen.suites.options import VoiceOptions
from halfseen.suites.speech_models import opened_alike
from halfseen.suites.voice_judges import VoiceJudge, WordJudge, distortion_db, middle, pitch_correlation
from halfseen.suites.voice_probe import probe_rows
from halfseen.train.progress import ProgressBar
from halfseen.train.recipe_file import command_line, versions

SHARES = {"source": 0.1, "known": 0.1, "target": 0.4, "lesson": 0.4}
"""Of each speaker's recordings of a word: those that are converted, that voices are known by, that are targets, and to learn words from."""
FEWEST = 4
VOICE, WORD, TUNE, CEPSTRA = "target_voice_chosen", "word_recognised", "pitch_correlation", "mel-cepstral_distortion"
AS_IT_IS, TARGET_ITSELF = "source as it is", "target itself"
SHOWN = 3
"""Conversions that the page lets hear."""
KNOWN = 20
"""Recordings that a voice is known by, at most."""

Verdict = dict[str, float | None]


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording without silence at the ends, its raw frames_TF, and who says what."""

    source: Source
    raw: Array
    speaker: str
    word: str

    @property
    def x(self) -> Array:
        return self.source.x


Arm = Callable[[Recording, str], Array]
"""What is made of a source for a target, by the target's name."""


@dataclass
class Deal:
    """Recordings by what they are for."""

    source: list[Recording] = field(default_factory=list)
    known: list[Recording] = field(default_factory=list)
    target: list[Recording] = field(default_factory=list)
    lesson: list[Recording] = field(default_factory=list)

    def of(self, part: str, speaker: str) -> list[Recording]:
        return [one for one in getattr(self, part) if one.speaker == speaker]


def run(options: VoiceOptions) -> dict[str, Any]:
    """What `halfseen score voice --json` prints. Raises UserError for a fault in the models or data."""
    started = time.monotonic()
    opened, heard = opened_alike(options.model)
    if options.out is not None:
        claim(options.out)
    recordings = read(options.data, options.label, options.speaker, heard)
    dealt = deal(recordings, options.seed)
    scoring = Scoring(dealt, options, roads_of(opened), vocoders_of(options.vocoders, heard), heard)
    scoring.run()
    for name, (method, own) in opened.items():
        if isinstance(method, Disentangle):
            scoring.rows += probe_rows(name, method, own, recordings, options.seed)
    rows = scoring.rows
    results = Results(
        scores=tuple(rows), fits=(), examples=(), seconds=time.monotonic() - started, command=command_line(),
        models=dict(zip(opened, options.model, strict=True)), data={"data": options.data, **scoring.counts}, versions=versions(),
        notes=tuple(scoring.notes), counted="recordings", verdict=verdict(rows),
    )  # fmt: skip
    if options.out is not None:
        results.save(options.out)
        write_json(options.out / SOUNDS, scoring.examples)
        write_report(options.out)
    return {
        "scores": results.printed(),
        "notes": list(results.notes),
        "counted": "recordings",
        "verdict": results.verdict,
        "seconds": results.seconds,
    }


def read(data: str, label: str, speaker: str, heard: LogMel) -> list[Recording]:
    """Raises UserError for all recordings at once that cannot be read or have no word or speaker, and where there is too little."""
    found, faults = [], []
    for clip in clips([data]):
        if missing := [name for name in (label, speaker) if not clip.told.get(name)]:
            faults.append(f"{clip.id} has no {missing[0]!r}")
            continue
        try:
            x_N = trimmed(read_sound(clip.content, clip.id, heard.rate), heard.rate)
        except UserError as fault:
            faults.append(f"{fault.where}: {fault.what}")
            continue
        found.append(Recording(Source(x_N, heard.rate), heard.raw(x_N), clip.told[speaker], clip.told[label]))
    if faults:
        raise all_faults(faults, where=data, way_out="let the manifest say it of each recording, and leave out what cannot be read")
    if len({one.speaker for one in found}) < 2 or len({one.word for one in found}) < 2:
        raise UserError("fewer than two speakers, or than two words", where=data, way_out="give two of each, or more")
    return found


def deal(recordings: Sequence[Recording], seed: int) -> Deal:
    """By the shares of SHARES, one of each kind at least. Raises UserError for a speaker with too few recordings of a word."""
    groups: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for one in recordings:
        groups[one.speaker, one.word].append(one)
    if few := [f"{speaker} says {brief(word)} {len(some)} times" for (speaker, word), some in groups.items() if len(some) < FEWEST]:
        raise all_faults(few, where="--data", way_out=f"give {FEWEST} recordings of each word of each speaker")
    random, dealt = np.random.default_rng(seed), Deal()
    for some in groups.values():
        order = [some[i] for i in random.permutation(len(some))]
        for part, share in SHARES.items():
            count = max(1, round(share * len(some))) if part != "lesson" else len(order)
            getattr(dealt, part).extend(order[:count])
            order = order[count:]
    return dealt


def roads_of(opened: dict[str, Any]) -> dict[str, Road]:
    """Each model's roads: codes if it has them, and neighbours."""
    found: dict[str, Road] = {}
    for name, (method, heard) in opened.items():
        before = "" if len(opened) == 1 else f"{name}: "
        if isinstance(method, Disentangle):
            found[f"{before}codes"] = Codes(method, heard)
        found[f"{before}neighbours"] = Neighbours(method, heard)
    return found


def vocoders_of(told: Sequence[str], heard: LogMel) -> dict[str, Vocoder]:
    """By what the table calls them: nets by their folders if there are several. Raises UserError for one that is none, or told twice."""
    made = [vocoder_of(one, heard) for one in told]
    several = sum(isinstance(by, NeuralVocoder) for by in made) > 1
    found = {one if several and isinstance(by, NeuralVocoder) else by.name: by for one, by in zip(told, made, strict=True)}
    if len(found) < len(told):
        raise UserError("--vocoders names one twice", way_out="name each once")
    return found


class Scoring:
    """All conversions of all arms, with what the judges say."""

    def __init__(self, dealt: Deal, options: VoiceOptions, roads: dict[str, Road], vocoders: dict[str, Vocoder], heard: LogMel) -> None:
        self.dealt, self.options, self.roads, self.vocoders, self.heard = dealt, options, roads, vocoders, heard
        self.speakers = sorted({one.speaker for one in dealt.source})
        self.words = sorted({one.word for one in dealt.source})
        self.judge = VoiceJudge()
        self.known = {who: middle([self.judge(one.x, heard.rate) for one in dealt.of("known", who)[:KNOWN]]) for who in self.speakers}
        self.tell = WordJudge([one.raw for one in dealt.lesson], np.array([one.word for one in dealt.lesson]))
        self.rows: list[ScoreRow] = []
        self.examples: list[dict[str, Any]] = []
        self.notes: list[str] = []

    @property
    def counts(self) -> dict[str, int]:
        return {part: len(getattr(self.dealt, part)) for part in SHARES} | {"speakers": len(self.speakers)}

    def run(self) -> None:
        told = [self.tell(one.raw) == one.word for one in self.dealt.source]
        right = f"{100 * np.mean(told):.1f} % of {len(told):,} real recordings"
        self.notes.append(f"The recogniser tells {right} right that it did not learn from.")
        pairs = [(a, b) for a in self.speakers for b in self.speakers if a != b]
        cases = [(one, b) for a, b in pairs for word in self.words for one in self.chosen(a, word)]
        amounts = self.options.amounts()
        with ProgressBar("converting", len(amounts) * len(cases)) as bar:
            for round_, amount in enumerate(amounts):
                voices = {who: self.voice(who, amount) for who in self.speakers}
                count = min(len(voice.frames) for voice in voices.values())
                last = amount == amounts[-1]
                arms = (self.plain_arms() if last else {}) | self.arms(voices)
                judged: dict[str, list[Verdict]] = {arm: [] for arm in arms}
                for i, (one, to) in enumerate(cases):
                    bar.update(round_ * len(cases) + i, note=f"{count:,} recordings of the target")
                    made = {arm: arms[arm](one, to) for arm in arms}
                    for arm, y_N in made.items():
                        judged[arm].append(self.verdict(y_N, one, to))
                    if last and i % -(-len(cases) // SHOWN) == 0:
                        shown = [Sound(arm, y_N, self.heard.raw(y_N)) for arm, y_N in made.items()]
                        self.examples.append(example(f"{one.word}: {one.speaker} as {to}", shown, self.heard.rate))
                for arm in arms:
                    self.rows += rows_of(arm, judged[arm], count)
            bar.update(len(amounts) * len(cases))

    def chosen(self, speaker: str, word: str) -> list[Recording]:
        return [one for one in self.dealt.of("source", speaker) if one.word == word][: self.options.each]

    def voice(self, speaker: str, amount: int | None) -> Voice:
        """Of so many recordings, drawn at random."""
        some = self.dealt.of("target", speaker)
        order = np.random.default_rng(self.options.seed).permutation(len(some))[:amount]
        return voice_of([some[i].x for i in order], self.heard)

    def plain_arms(self) -> dict[str, Arm]:
        """Those that need no converter."""
        found: dict[str, Arm] = {AS_IT_IS: lambda one, to: one.x}
        found |= {f"source, {name}": partial(self.source_again, by) for name, by in self.vocoders.items()}
        found[TARGET_ITSELF] = lambda one, to: self.real(one, to).x
        return found | {f"target, {name}": partial(self.target_again, by) for name, by in self.vocoders.items()}

    def arms(self, voices: dict[str, Voice]) -> dict[str, Arm]:
        """Each road with each vocoder."""
        return {
            f"{name}, {made}": partial(self.converted, road, voices, by)
            for name, road in self.roads.items()
            for made, by in self.vocoders.items()
        }

    def real(self, one: Recording, to: str) -> Recording:
        """The target's own recording of the word, of those that are converted to others."""
        return self.chosen(to, one.word)[0]

    def source_again(self, by: Vocoder, one: Recording, to: str) -> Array:
        """The source's own frames, made sound."""
        return by(one.raw, one.source, None)

    def target_again(self, by: Vocoder, one: Recording, to: str) -> Array:
        """The target's own frames, made sound."""
        real = self.real(one, to)
        return by(real.raw, real.source, None)

    def converted(self, road: Road, voices: dict[str, Voice], by: Vocoder, one: Recording, to: str) -> Array:
        return by(road(one.raw, voices[to]), one.source, voices[to].pitch)

    def verdict(self, y_N: Array, one: Recording, to: str) -> Verdict:
        """What the judges say of a recording that shall be `one` said by `to`."""
        voice, raw_TF = self.judge(y_N, self.heard.rate), self.heard.raw(y_N)
        return {
            VOICE: float(voice @ self.known[to] > voice @ self.known[one.speaker]),
            WORD: float(self.tell(raw_TF) == one.word),
            TUNE: pitch_correlation(one.source.hertz, y_N, self.heard.rate),
            CEPSTRA: distortion_db(raw_TF, self.real(one, to).raw),
        }


def rows_of(arm: str, judged: Sequence[Verdict], recordings: int) -> list[ScoreRow]:
    """Means over conversions."""
    rows = []
    for name in (VOICE, WORD, TUNE, CEPSTRA):
        values = np.array([one[name] for one in judged if one[name] is not None], float)
        if not len(values):
            continue
        rows.append(ScoreRow(
            task="voice", arm=arm, name=name, value=float(values.mean()), n=len(values), stderr=float(values.std() / np.sqrt(len(values))),
            seeds=1, labels=recordings, unit="dB" if name == CEPSTRA else "", higher_is_better=name != CEPSTRA, main=name == VOICE,
        ))  # fmt: skip
    return rows


def verdict(rows: Sequence[ScoreRow]) -> str:
    """The road that is best where voice and word count alike, in a sentence."""
    by_arm: dict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row.task == "voice" and row.arm not in (AS_IT_IS, TARGET_ITSELF) and not row.arm.startswith(("source, ", "target, ")):
            by_arm[row.arm, row.labels][row.name] = row.value
    (arm, count), best = max(by_arm.items(), key=lambda item: item[1][VOICE] + item[1][WORD])
    told = f"By {arm}, from {count:,} recordings of the target, its voice is chosen over the source's in {100 * best[VOICE]:.0f} %"
    return f"{told}, and the word is recognised in {100 * best[WORD]:.0f} %."
