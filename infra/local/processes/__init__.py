"""Child processes: kept running, watched, ended, their logs kept short."""
