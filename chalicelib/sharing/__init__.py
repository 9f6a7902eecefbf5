"""What owners share: turns, threads, what is held for each, and what each has used."""
