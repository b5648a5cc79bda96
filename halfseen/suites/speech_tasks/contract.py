"""What a task of speech is: material that is found below a folder, and a score for the frozen layers of an arm.

A task asks for the material that the benchmark names (SUPERB, arXiv:2105.01051), and where that is not there, makes a stand-in from
small sets, which bears a name of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from halfseen.contracts import Array, Score, UserError

if TYPE_CHECKING:
    from halfseen.suites.speech_tasks.arm import Arm
    from halfseen.suites.speech_tasks.folder import DataFolder

PARTS = ("train", "dev", "test")


@dataclass(frozen=True, eq=False)
class Utterance:
    """sound: x_N at so many samples a second, read when it is asked for. target: what the task wants told of it. speaker: "" where nobody
    is known, `a+b` where several are heard. Utterances of one id sound alike, in whatever task, so that an arm keeps their states once."""

    id: str
    sound: Callable[[int], Array]
    target: Any
    speaker: str = ""


@dataclass(frozen=True)
class Trial:
    """Two utterances by their ids, and whether they belong together: one voice, or a query and what holds it."""

    first: str
    second: str
    match: bool


@dataclass(frozen=True)
class Material:
    """What a task found. name: the benchmark's own if `official`, else another. trials: of dev and test, where pairs are judged."""

    name: str
    official: bool
    train: tuple[Utterance, ...]
    dev: tuple[Utterance, ...]
    test: tuple[Utterance, ...]
    trials: Mapping[str, tuple[Trial, ...]] = field(default_factory=dict)

    def parts(self) -> dict[str, tuple[Utterance, ...]]:
        return {part: getattr(self, part) for part in PARTS}

    def must_keep_speakers_apart(self) -> None:
        """Raises UserError if somebody is heard in two parts."""
        heard = {part: {who for each in some for who in each.speaker.split("+")} - {""} for part, some in self.parts().items()}
        for one, other in (("train", "test"), ("train", "dev"), ("dev", "test")):
            if both := sorted(heard[one] & heard[other]):
                what = f"speaker {both[0]} is in {one} and in {other}"
                raise UserError(what, where=self.name, way_out="let each speaker be in one part alone")


def stand_in(name: str, parts: Mapping[str, tuple[Utterance, ...]], trials: Mapping[str, tuple[Trial, ...]] | None = None) -> Material:
    """Material that is not the benchmark's own. parts: by the names in PARTS."""
    return Material(name, False, parts["train"], parts["dev"], parts["test"], trials or {})


@dataclass(frozen=True)
class Metric:
    """published: the best that was published for the benchmark's own material. perfect: what cannot be surpassed."""

    name: str
    published: float
    perfect: float
    higher_is_better: bool


@dataclass(frozen=True)
class Outcome:
    """What an arm reaches: a figure for each of the task's metrics, the first one the main one, with its error over test items (see
    `figures`). chosen: what was chosen on dev. chance: the main metric of who heard nothing."""

    scores: tuple[Score, ...]
    chosen: Mapping[str, Any] = field(default_factory=dict)
    chance: float | None = None


class SpeechTask(ABC):
    """One of the ten."""

    name: ClassVar[str]
    title: ClassVar[str]
    aspect: ClassVar[Literal["content", "speaker", "semantics", "paralinguistics"]]
    benchmark: ClassVar[str]
    """The data that the benchmark takes."""
    metrics: ClassVar[tuple[Metric, ...]]
    """The main one first."""
    speakers_apart: ClassVar[bool] = True
    """Whether no speaker may be in two parts; of identification alone they have to be."""

    @abstractmethod
    def find(self, data: DataFolder, seed: int) -> Material | None:
        """The benchmark's own material, else a stand-in, whose speakers are parted by the seed; None if neither is there.

        Raises UserError for faults of what is there.
        """

    @abstractmethod
    def score(self, arm: Arm, material: Material, seed: int) -> Outcome:
        """Fits the benchmark's head to `train`, chooses on `dev`, judges on `test`."""

    def labels(self, material: Material) -> int:
        """How many labelled items an arm learns from."""
        return len(material.train)
