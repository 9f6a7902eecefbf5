"""Plan a training run, launch it, follow it, promote or reject what it made."""
