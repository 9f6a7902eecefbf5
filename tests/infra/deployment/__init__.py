"""Deployments, into an account on this machine."""
