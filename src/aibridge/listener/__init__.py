"""The clients' sockets: who may connect, for how long, and how bytes become requests."""
