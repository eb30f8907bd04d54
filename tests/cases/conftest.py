from tests.gateway.conftest import bridge, serve, shared_bridge, shared_wire, wire

__all__ = ["bridge", "serve", "shared_bridge", "shared_wire", "wire"]
