"""The container that a job runs in: configuration, files, machine, processes, signals."""
