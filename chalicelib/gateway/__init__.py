"""The ASGI front door: large bodies, keep-alive, Watson's error shape; everything else goes to a backend."""
