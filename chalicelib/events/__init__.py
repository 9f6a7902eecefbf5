"""What wakes the service up: uploads, training progress, training changes, the clock."""
