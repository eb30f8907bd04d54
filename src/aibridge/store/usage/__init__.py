"""What was used: the usage of each day, and the prices that it is rated at."""
