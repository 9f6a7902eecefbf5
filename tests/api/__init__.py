"""Tests of the HTTP API, through events as API Gateway sends them."""
