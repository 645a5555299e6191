"""Finding asyncio's running loop, or saying in words that there is none."""

import asyncio


def running_loop() -> asyncio.AbstractEventLoop:
    """Asyncio's running event loop.

    Raises:
        RuntimeError: there is none, as under trio, with the way out.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "asyncio's event loop is needed, and none is running here (trio's is another): run the "
            "server on asyncio, or call the blocking methods in a thread (trio.to_thread.run_sync)"
        ) from None
