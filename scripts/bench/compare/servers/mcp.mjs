/**
 * The JSON-RPC of both mock MCP servers. `answerTo` returns the answer to one message as text, or undefined if the message needs no answer.
 */
const property = (type, description) => ({ type, description });
const text = { text: property("string", "What to work on") };
const schema = (properties) => ({ type: "object", properties, required: Object.keys(properties) });
const tools = [
  { name: "echo", description: "Says the text again", inputSchema: schema(text) },
  { name: "pause", description: "Takes 20 ms", inputSchema: schema(text) },
  { name: "kilobyte", description: "Answers with 1 KB of text", inputSchema: schema(text) },
  {
    name: "read_file",
    description: "Reads a file of the project",
    inputSchema: schema({ path: property("string", "Relative path"), lines: property("number", "At most so many") }),
  },
  {
    name: "find",
    description: "Finds files by a pattern",
    inputSchema: schema({ pattern: property("string", "A glob"), limit: property("number", "At most so many") }),
  },
];
const kilobyte = "All of this is the answer of a tool. ".repeat(28).slice(0, 1024);
const pauseMs = 20;

export function answerTo(line, send) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || method === undefined) return;
  const result = (value) => send(JSON.stringify({ jsonrpc: "2.0", id, result: value }));
  if (method === "initialize") {
    const { protocolVersion } = params;
    result({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "mock", version: "1.0.0" } });
  } else if (method === "tools/list") result({ tools });
  else if (method === "ping") result({});
  else if (method === "tools/call") call(params, result);
  else send(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } }));
}

function call({ name, arguments: args }, result) {
  const say = (said) => result({ content: [{ type: "text", text: said }] });
  if (name === "pause") setTimeout(say, pauseMs, args.text);
  else say(name === "kilobyte" ? kilobyte : args.text);
}
