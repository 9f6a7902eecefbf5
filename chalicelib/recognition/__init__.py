"""Options to utterances to results: finding utterances, decoding, assembling answers."""
