"""What the service runs on: the template, packaging, and one machine."""
