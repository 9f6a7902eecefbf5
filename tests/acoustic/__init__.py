"""Whether real speech is recognised better after adaptation."""
