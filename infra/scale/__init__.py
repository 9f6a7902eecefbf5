"""Recognition on Lambda, simulated event by event under the service's own rules."""
