"""The ten tasks of speech (SUPERB, Yang et al. 2021, arXiv:2105.01051), by name, in the order of their four aspects."""

from __future__ import annotations

from halfseen.suites.speech_tasks.contract import SpeechTask
from halfseen.suites.speech_tasks.ks import KeywordSpotting

TASKS: dict[str, SpeechTask] = {
    "ks": KeywordSpotting(),
}
