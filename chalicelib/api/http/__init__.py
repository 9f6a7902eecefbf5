"""Requests and answers of every resource: routes, parameters, bodies, errors, credentials."""
