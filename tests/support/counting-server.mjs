// An MCP server over stdio whose tools have an effect that can be counted: counting-server.mjs FILE [CALLS]. Each call of `book` adds a
// line with its `what` and call id to the file before it is answered. `look` is read-only, and adds a line too; so does `die`, which ends
// its host. The same calls go to CALLS, with the process id of the host and the time. KILL_IN_CALL="before book train" | "after book train"
// kills the host once, before or after the effect of that call.
import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [file, calls] = process.argv.slice(2);
const host = process.ppid;

function isDoomed(moment) {
  if (moment !== process.env.KILL_IN_CALL || existsSync(`${file}.killed`)) return false;
  writeFileSync(`${file}.killed`, "");
  process.kill(host, "SIGKILL");
  return true;
}
const inputSchema = { type: "object", properties: { what: { type: "string" } } };
const tools = [
  { name: "book", description: "Books it.", inputSchema },
  { name: "look", description: "Looks it up.", inputSchema, annotations: { readOnlyHint: true } },
  { name: "die", description: "Ends its host.", inputSchema, annotations: { readOnlyHint: true } },
];
const answers = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "counting", version: "1" },
  }),
  "tools/list": () => ({ tools }),
  "tools/call": ({ name, arguments: { what }, _meta }) => {
    if (isDoomed(`before ${name} ${what}`)) process.exit();
    if (calls) appendFileSync(calls, `${name} ${what} ${host} ${Date.now()}\n`);
    appendFileSync(file, `${name} ${what} ${_meta?.["mcp-platform/call-id"]}\n`);
    if (name === "die") process.kill(process.ppid, "SIGKILL");
    isDoomed(`after ${name} ${what}`);
    return { content: [{ type: "text", text: `${name} ${what}: done` }] };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const answer = answers[method];
  const body = answer ? { result: answer(params) } : { error: { code: -32601, message: "no such method" } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...body })}\n`);
}
