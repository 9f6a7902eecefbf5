"""The commands, a module for each job."""
