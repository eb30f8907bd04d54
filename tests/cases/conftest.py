from tests.gateway.conftest import bridge, left, serve, shared_bridge, shared_wire, wire

__all__ = ["bridge", "left", "serve", "shared_bridge", "shared_wire", "wire"]
