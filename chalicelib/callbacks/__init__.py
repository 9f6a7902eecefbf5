"""URLs that clients want to be told at: registered, checked, called; never anything behind our walls."""
