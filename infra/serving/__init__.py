"""The gateway before the API function, in this process or deployed."""
