"""The keeper: the process that follows the journals, reads their calls and writes the record."""
