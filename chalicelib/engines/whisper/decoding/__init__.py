"""From samples to words: windows, beam search, alignment, what is left out."""
