"""URLs that clients want called: registered, checked, called; never one inside the service's own network."""
