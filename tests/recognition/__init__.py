"""Recognition: options, models, utterances, decoding, results."""
