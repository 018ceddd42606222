"""A client that asks as fast as it is answered, over kept connections: what it costs is the same for every server.

    python -m tests.bench.load PORT SECONDS CONNECTIONS EXPECTED_STATUS < requests

Each line of `requests` is a path, or a path, a tab and one header. Prints answers and bytes; fails at any other status.
"""

import itertools
import selectors
import socket
import sys
import time


def request(line):
    """The bytes of one request."""
    path, _, header = line.rstrip("\n").partition("\t")
    extra = f"{header}\r\n" if header else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n{extra}\r\n".encode()


class Connection:
    """One kept connection with one question under way."""

    def __init__(self, port, expected):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.expected, self.left, self.head, self.chunked = f"HTTP/1.1 {expected}".encode(), None, b"", False
        self.buffer = bytearray(256 * 1024)

    def ask(self, question):
        self.left, self.head, self.chunked = None, b"", False
        self.socket.sendall(question)

    def read(self):
        """Takes what has come: bytes, and whether the answer is complete."""
        size = self.socket.recv_into(self.buffer)
        if not size:
            raise SystemExit("the server closed the connection")
        if self.left is None:
            self.head += self.buffer[:size]
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return size, False
            if not self.head.startswith(self.expected):
                raise SystemExit(f"unexpected answer: {bytes(self.head[:300])!r}")
            headers = self.head[:end].lower()
            place = headers.find(b"content-length:")
            self.chunked = b"transfer-encoding: chunked" in headers
            length = int(headers[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            self.left = length - (len(self.head) - end - 4)
        else:
            self.left -= size
        if self.chunked:
            return size, bytes(self.buffer[max(0, size - 5) : size]) == b"0\r\n\r\n"
        return size, self.left <= 0


def main():
    port, seconds, connections, expected = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    questions = itertools.cycle([request(line) for line in sys.stdin])
    answers, taken = 0, 0
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = Connection(port, expected)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask(next(questions))
        started = time.perf_counter()
        # At least one answer, however slow.
        while (now := time.perf_counter()) - started < seconds or not answers:
            for key, _ in selector.select(1.0):
                size, complete = key.data.read()
                taken += size
                if complete:
                    answers += 1
                    key.data.ask(next(questions))
    print(answers, taken, now - started)


if __name__ == "__main__":
    main()
