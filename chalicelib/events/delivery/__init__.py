"""Messages of queues: read, kept hidden while they are handled, handled once."""
