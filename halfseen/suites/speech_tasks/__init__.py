"""The ten tasks of speech (SUPERB, Yang et al. 2021, arXiv:2105.01051), by name, in the order of their four aspects."""

from __future__ import annotations

from halfseen.suites.speech_tasks.asr import SpeechRecognition
from halfseen.suites.speech_tasks.asv import SpeakerVerification
from halfseen.suites.speech_tasks.contract import SpeechTask
from halfseen.suites.speech_tasks.er import Emotion
from halfseen.suites.speech_tasks.ic import IntentClassification
from halfseen.suites.speech_tasks.ks import KeywordSpotting
from halfseen.suites.speech_tasks.pr import PhoneRecognition
from halfseen.suites.speech_tasks.qbe import QueryByExample
from halfseen.suites.speech_tasks.sd import Diarization
from halfseen.suites.speech_tasks.sf import SlotFilling
from halfseen.suites.speech_tasks.sid import SpeakerIdentification

TASKS: dict[str, SpeechTask] = {
    "pr": PhoneRecognition(),
    "asr": SpeechRecognition(),
    "ks": KeywordSpotting(),
    "qbe": QueryByExample(),
    "sid": SpeakerIdentification(),
    "asv": SpeakerVerification(),
    "sd": Diarization(),
    "ic": IntentClassification(),
    "sf": SlotFilling(),
    "er": Emotion(),
}
