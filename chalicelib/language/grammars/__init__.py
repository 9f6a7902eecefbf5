"""Grammars that restrict what is recognised: read, and made into finite-state networks."""
