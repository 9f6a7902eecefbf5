"""Requests on their way to the API: bodies, headers, what is stored first, and the answers."""
