"""Sessions, threads and agentic actions as they are read back."""
