"""Connections for asyncio, with a pool for each event loop."""
