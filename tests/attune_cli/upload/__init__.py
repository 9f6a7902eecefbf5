"""Tests of what becomes of folders of recordings on their way to a service."""
