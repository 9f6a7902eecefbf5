"""A recording before its words: utterances, channels, speakers, and how good its signal is."""
