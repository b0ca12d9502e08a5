"""A client of `mcp-platform stdio`: one JSON message a line, in both directions.

    python3 examples/stdio_client.py node dist/main.js
"""

import json
import subprocess
import sys

command = sys.argv[1:] or ["mcp-platform"]
host = subprocess.Popen([*command, "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def send(message):
    host.stdin.write(json.dumps(message) + "\n")
    host.stdin.flush()


send({"action": "chat", "request_id": "r1", "payload": {"text": "Add 2 and 40 with the add tool"}})
for line in host.stdout:
    message = json.loads(line)
    if message.get("request_id") != "r1":
        continue
    if message["status"] == "error":
        sys.exit(f"failed: {line.strip()}")
    if message["status"] == "complete":
        break
    chunk = message.get("chunk", {})
    if chunk.get("type") == "tool_call":
        print("calls a tool", file=sys.stderr)
    if chunk.get("type") == "question":
        # A person would be asked here. This program allows the call.
        answer = {"question_id": chunk["metadata"]["question_id"], "value": True}
        send({"action": "answer", "request_id": "r1", "payload": answer})
    if chunk.get("type") == "text":
        print(chunk["data"], end="", flush=True)
print()
host.stdin.close()
sys.exit(host.wait())
