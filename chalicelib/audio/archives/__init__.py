"""Archives of recordings: zip and tar.gz, read within limits."""
