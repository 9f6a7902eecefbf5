"""The gateway, over real connections."""
