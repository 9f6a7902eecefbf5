"""The event functions, on recorded events."""
