"""HTTP in, Watson JSON out: one module of routes per resource, one table of errors, authentication."""
