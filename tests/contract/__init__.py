"""The running service, driven by the clients that people already have."""
