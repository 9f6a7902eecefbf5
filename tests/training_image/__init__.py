"""The training container's program."""
