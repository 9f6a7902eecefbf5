"""The rules of custom models: statuses and transitions, resources, limits."""
