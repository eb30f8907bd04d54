"""The models of the HTTP contract, shared by the server's responses and its clients."""
