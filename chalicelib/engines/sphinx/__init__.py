"""The light engine: pocketsphinx with adaptable acoustics."""
