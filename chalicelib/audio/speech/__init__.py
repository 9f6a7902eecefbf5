"""Where somebody speaks, who, and how good the signal is."""
