import { spawn } from "node:child_process";
import { eachData, post } from "./http.mjs";

/** Connects to an MCP server with hand-written JSON-RPC. Resolves with its tools and `call`, which resolves with a tool's result. */
export async function connect(server) {
  const wire = server.url ? overHttp(server.url) : overStdio(server);
  let lastId = 0;
  const ask = (method, params) => {
    const id = ++lastId;
    return wire.ask(id, JSON.stringify({ jsonrpc: "2.0", id, method, params }));
  };
  const clientInfo = { name: "bare", version: "1.0.0" };
  await ask("initialize", { protocolVersion: "2025-11-25", capabilities: {}, clientInfo });
  await wire.tell(JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }));
  const { tools } = await ask("tools/list", {});
  return { tools, call: (name, args) => ask("tools/call", { name, arguments: args }), close: wire.close };
}

function overStdio({ command, args }) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map();
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (data) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      const { id, result } = JSON.parse(line);
      waiting.get(id)?.(result);
      waiting.delete(id);
    }
  });
  return {
    ask(id, text) {
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        child.stdin.write(`${text}\n`);
      });
    },
    async tell(text) {
      child.stdin.write(`${text}\n`);
    },
    close: () => child.kill(),
  };
}

function overHttp(url) {
  const headers = { accept: "application/json, text/event-stream" };
  const send = async (text) => {
    const response = await post(url, text, headers);
    headers["mcp-session-id"] ??= response.headers["mcp-session-id"] ?? "";
    let answer = "";
    await eachData(response, (data) => {
      answer = data;
    });
    return answer;
  };
  return { ask: async (_, text) => JSON.parse(await send(text)).result, tell: send, close() {} };
}
