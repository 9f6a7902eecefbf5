"""Folders of recordings on their way to a custom model."""
