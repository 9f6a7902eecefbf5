"""The neural engine: networks of the Whisper family, run by CTranslate2."""
