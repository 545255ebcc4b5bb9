"""A TCP proxy that does to a connection what no packet filter does: delay, stall, flip a byte, half close, reset.

    proxy = FaultProxy(network.host("between"), 4700, ("10.77.0.1", 4700)).start()
    proxy.delay = 0.1                      # seconds, each way; takes effect at once
    proxy.flip("up", 1000)                 # the byte 1000 from now of what clients send
    proxy.stalled.add("down")              # nothing of what the target sends goes on
    proxy.half_open = True                 # an end of one side is not told to the other
    proxy.forget()                         # what connections carry from now on is lost, and they stay open
    proxy.reset()                          # all connections end with RST
    proxy.close()
"""
import asyncio
import collections
import socket
import struct
import threading
import time

BLOCK = 64 << 10
BLOCKS_MAX = 64  # that wait in each direction: 4 MiB, then the sender is held back
STALL_POLL_SECONDS = 0.01
CONNECT_SECONDS_MAX = 5
CLOSE_SECONDS_MAX = 10
DIRECTIONS = ("up", "down")  # to the target, to the client


class FaultProxy:
    """Knobs may be turned from any thread while connections run."""

    def __init__(self, host, port, target):
        self.host, self.target = host, target
        self.delay = 0.0
        self.stalled = set()
        self.half_open = False
        self.connections = 0
        self.bytes = collections.Counter()
        self._flips = {direction: [] for direction in DIRECTIONS}
        self._open, self._forgotten, self._tasks = set(), set(), set()
        self._listener = host.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host.address, port))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self.address = self._listener.getsockname()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def flip(self, direction, offset=0):
        """Inverts one byte of this direction, so many after those that have passed."""
        self._flips[direction].append(self.bytes[direction] + offset)

    def forget(self):
        """What comes on the connections of now vanishes, as behind a router that has lost its table."""
        self._loop.call_soon_threadsafe(lambda: self._forgotten.update(self._open))

    def reset(self):
        """Ends all connections with RST; new ones are let through."""
        asyncio.run_coroutine_threadsafe(self._reset(), self._loop).result(timeout=CLOSE_SECONDS_MAX)

    def close(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=CLOSE_SECONDS_MAX)
        self._listener.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        accepting = self._loop.create_task(self._accept())
        self._loop.run_forever()
        accepting.cancel()
        self._loop.run_until_complete(self._reset())
        self._loop.close()

    async def _reset(self):
        for end in self._open:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._forget(*self._open)  # what half open connections have left

    def _forget(self, *ends):
        for end in ends:
            self._open.discard(end)
            self._forgotten.discard(end)
            end.close()

    async def _accept(self):
        while True:
            client, _ = await self._loop.sock_accept(self._listener)
            client.setblocking(False)
            self.connections += 1
            self._open.add(client)
            task = self._loop.create_task(self._serve(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, client):
        target = self.host.socket()
        target.setblocking(False)
        self._open.add(target)
        keeps_ends = False
        try:
            await asyncio.wait_for(self._loop.sock_connect(target, self.target), CONNECT_SECONDS_MAX)
            for end in (client, target):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.gather(self._pass_on(client, target, "up"), self._pass_on(target, client, "down"))
            keeps_ends = self.half_open
        except (OSError, asyncio.TimeoutError):
            keeps_ends = self.half_open
        finally:
            if not keeps_ends:
                self._forget(client, target)

    async def _pass_on(self, source, sink, direction):
        queue = asyncio.Queue(BLOCKS_MAX)
        reader = asyncio.ensure_future(self._read(source, queue, direction))
        try:
            while True:
                due, block = await queue.get()
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                while direction in self.stalled:
                    await asyncio.sleep(STALL_POLL_SECONDS)
                if sink in self._forgotten:
                    continue
                if block:
                    await self._loop.sock_sendall(sink, block)
                elif not self.half_open:
                    sink.shutdown(socket.SHUT_WR)
                    return
                else:
                    return
        finally:
            reader.cancel()

    async def _read(self, source, queue, direction):
        while True:
            try:
                block = await self._loop.sock_recv(source, BLOCK)
            except OSError:
                block = b""
            await queue.put((time.monotonic() + self.delay, self._flipped(block, direction)))
            if not block:
                return

    def _flipped(self, block, direction):
        begin = self.bytes[direction]
        self.bytes[direction] += len(block)
        hit = [place for place in self._flips[direction] if begin <= place < begin + len(block)]
        if not hit:
            return block
        changed = bytearray(block)
        for place in hit:
            changed[place - begin] ^= 0xFF
            self._flips[direction].remove(place)
        return bytes(changed)
