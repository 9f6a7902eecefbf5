"""What the reconciler looks for: lost events, work that is overdue, leftovers."""
