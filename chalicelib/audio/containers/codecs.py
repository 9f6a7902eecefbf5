"""The codecs that are decoded behind each container by FFmpeg: those that speech comes in, and no others.

FFmpeg has hundreds, most of them for games and cameras of long ago, which nobody has looked at for as long.
"""

from __future__ import annotations

_PCM = frozenset(
    f"pcm_{kind}"
    for kind in (
        *("u8", "s8", "alaw", "mulaw"),
        *(
            f"{width}{order}"
            for width in ("s16", "s24", "s32", "s64", "f32", "f64")
            for order in ("le", "be")
        ),
    )
)
_MPEG = frozenset({"mp1", "mp2", "mp3"})
_TELEPHONE = frozenset(
    {
        *("adpcm_ima_wav", "adpcm_ms", "adpcm_g722", "adpcm_g726", "adpcm_g726le", "adpcm_yamaha"),
        *("gsm", "gsm_ms", "g723_1", "truespeech"),
    }
)
_XIPH = frozenset({"vorbis", "opus", "speex", "libspeex", "flac"})

DECODED = {
    "audio/wav": _PCM | _MPEG | _TELEPHONE | {"aac", "flac"},
    "audio/basic": _PCM | _TELEPHONE,
    "audio/ogg": _XIPH,
    "audio/webm": _XIPH | _PCM | _MPEG | {"aac"},
    "audio/mp4": _PCM | _MPEG | {"aac", "alac", "flac", "opus"},
    "audio/flac": frozenset({"flac"}),
    "audio/mpeg": _MPEG,
}
"""By the container's content type, codecs as FFmpeg spells them."""
