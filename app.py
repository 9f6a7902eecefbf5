"""The Chalice application: mounts the blueprints and declares the event functions; nothing else."""

from __future__ import annotations

from chalice.app import Chalice

app = Chalice(app_name="attune")
