"""The control plane's routers, thin: parse, call, shape."""
