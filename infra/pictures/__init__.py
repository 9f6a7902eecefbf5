"""Pictures of the documentation, drawn as SVG from what they show."""
