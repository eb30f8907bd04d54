"""Writing the record in bulk, and finding what a request goes on with."""
