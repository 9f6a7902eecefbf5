"""Audio that is recognised while it is spoken."""
