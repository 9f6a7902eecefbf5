"""Uploads past the API: announced, sent to the store by the client, then taken by name."""
