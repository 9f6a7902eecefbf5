"""The API in a process of its own, behind the gateway."""
