"""Training reports: what they say, in figures and in plain words."""
