"""The shape of Watson's audio metrics."""

from __future__ import annotations

import json
from dataclasses import replace

from ibm_watson.speech_to_text_v1 import AudioMetrics

from chalicelib.audio.speech.signal_metrics import SignalMetrics
from chalicelib.recognition.audio.audio_metrics import audio_metrics

MEASURED = SignalMetrics(
    duration_s=1.2345,
    signal_to_noise_db=31.256,
    speech_ratio=2 / 3,
    high_frequency_loss=0.01234,
    direct_current_offset=(0,) * 5 + (12,) + (0,) * 5,
    clipping_rate=(11, 0, 0, 1, 0, 0),
    speech_level=(0,) * 6 + (8,) + (0,) * 3,
    non_speech_level=(0, 0, 4) + (0,) * 7,
)


def test_metrics_are_shaped_as_watson_s() -> None:
    shaped = audio_metrics(MEASURED)
    accumulated = shaped["accumulated"]
    assert shaped["sampling_interval"] == 0.1
    assert {name: accumulated[name] for name in list(accumulated)[:5]} == {
        "final": True,
        "end_time": 1.23,
        "signal_to_noise_ratio": 31.26,
        "speech_ratio": 0.667,
        "high_frequency_loss": 0.012,
    }
    assert accumulated["direct_current_offset"][5] == {"begin": -0.1, "end": 0.1, "count": 12}
    assert accumulated["clipping_rate"][3] == {"begin": 1e-3, "end": 1e-2, "count": 1}
    assert accumulated["speech_level"][6] == {"begin": 0.6, "end": 0.7, "count": 8}
    assert accumulated["non_speech_level"][2] == {"begin": 0.2, "end": 0.3, "count": 4}


def test_ibm_s_client_reads_them() -> None:
    shaped = json.loads(json.dumps(audio_metrics(MEASURED)))
    assert AudioMetrics.from_dict(shaped).to_dict() == shaped


def test_a_ratio_that_is_not_known_is_left_out() -> None:
    shaped = audio_metrics(replace(MEASURED, signal_to_noise_db=None))
    assert "signal_to_noise_ratio" not in shaped["accumulated"]
