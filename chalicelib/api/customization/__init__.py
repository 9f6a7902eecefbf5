"""The routes of custom models, acoustic and language."""
