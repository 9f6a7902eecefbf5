"""Models measured on test sets with transcripts, or compared on recordings without any."""
