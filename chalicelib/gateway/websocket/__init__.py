"""Recognition over WebSockets, while audio is spoken."""
