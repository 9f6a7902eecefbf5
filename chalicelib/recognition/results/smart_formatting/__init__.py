"""Smart formatting for US English: what was said, as it is usually written."""
