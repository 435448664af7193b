"""Stands in for systemd: a unix datagram socket that prints what sd_notify messages say, one JSON object a line."""

import json
import socket
import sys

receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print(json.dumps({"listening": True}), flush=True)
while True:
    # A descriptor that comes along (BARRIER=1) is not taken, which closes it: the sender waits for just that.
    message = receiver.recv(4096).decode()
    print(json.dumps(dict(line.split("=", 1) for line in message.splitlines() if line)), flush=True)
