"""What the readers of answers share, whatever the dialect."""
