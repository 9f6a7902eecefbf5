"""Planning, launching, following and cancelling training runs."""
