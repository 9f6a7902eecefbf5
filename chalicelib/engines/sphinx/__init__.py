"""The embedded default engine: pocketsphinx with adaptable acoustics."""
