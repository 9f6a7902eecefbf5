"""The ASGI front door: large bodies, keep-alive, everything else into the API."""
