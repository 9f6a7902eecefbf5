"""What is recognised in an evaluation: recordings with transcripts, or sentences of a custom model."""
