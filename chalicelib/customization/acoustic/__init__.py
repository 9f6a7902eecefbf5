"""Custom acoustic models: audio, trainings, versions, who is told."""
