"""HTTP in, Watson JSON out: one blueprint per resource."""
