/**
 * A model that costs next to nothing. The last `[[scenario]]` in a request says what it does:
 * `plain` (also without any): a short answer; `burst-N`: N small chunks at once; `paced-N`: N chunks at 50 a second, each holding the
 * time that it was written in microseconds of the machine's monotonic clock; `tools-HxC-NAME`: H hops with C calls of the tool, then an
 * answer; `written`: how many chunks at 50 a second there were so far. Tells its parent the port, and the body of the latest request when it is asked.
 */
import { begin, chunksWritten } from "./pace.mjs";
import { answer, listen, piece, streamEnd, streamHead } from "./raw-http.mjs";

const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const stream = {};
/** Agents with a graph of messages take two of the same id for one. */
let answers = 0;
let lastBody = Buffer.alloc(0);

process.send({ port: await listen(respond) });
process.on("message", () => process.send({ body: lastBody.toString() }));
process.on("disconnect", () => process.exit());

function respond({ body }, socket) {
  lastBody = body;
  const [kind, amount, tool] = scenarioIn(body).split("-");
  const isStreaming = body.includes('"stream":true');
  if (kind === "burst") return socket.write(burst(Number(amount)));
  if (kind === "paced") return begin(socket, Number(amount));
  if (kind === "written") return send(socket, isStreaming, { content: String(chunksWritten()) });
  const [hops, calls] = kind === "tools" ? amount.split("x").map(Number) : [0, 0];
  const hop = hops === 0 ? 0 : occurrences(body, '"role":"tool"') / calls;
  if (hop < hops) return send(socket, isStreaming, callsOf(nameEndingWith(body, tool), hop, calls));
  send(socket, isStreaming, { content: "That is all." });
}

function scenarioIn(body) {
  const start = body.lastIndexOf("[[");
  return start < 0 ? "plain" : body.latin1Slice(start + 2, body.indexOf("]]", start));
}

function occurrences(body, text) {
  let count = 0;
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + text.length)) count++;
  return count;
}

/** Hosts call tools by names of their own, which end with the server's. */
function nameEndingWith(body, tool) {
  const end = body.indexOf(`${tool}"`);
  return body.latin1Slice(body.lastIndexOf('"', end) + 1, end + tool.length);
}

/** No two calls are alike: hosts notice a model that goes round in circles. */
function callsOf(name, hop, count) {
  const call = (_, index) => {
    const text = JSON.stringify({ text: `hop ${hop}, call ${index}` });
    return { index, id: `call_${hop}_${index}`, type: "function", function: { name, arguments: text } };
  };
  return { content: null, tool_calls: Array.from({ length: count }, call) };
}

function send(socket, isStreaming, message) {
  const reason = message.tool_calls ? "tool_calls" : "stop";
  if (isStreaming) {
    const events = [chunk({ role: "assistant", ...message }), chunk({}, reason), "data: [DONE]\n\n"];
    return socket.write(streamHead + events.map(piece).join("") + streamEnd);
  }
  const choices = [{ index: 0, message: { role: "assistant", ...message }, finish_reason: reason }];
  const completion = {
    id: `chatcmpl-${++answers}`,
    object: "chat.completion",
    created: 1,
    model: "m1",
    choices,
    usage,
  };
  answer(socket, "application/json", JSON.stringify(completion));
}

function chunk(delta, finish_reason = null) {
  const choices = [{ index: 0, delta, finish_reason }];
  return `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "m1", choices })}\n\n`;
}

/** Each chunk is a piece of its own, as real servers send them, but all are there at once. */
function burst(count) {
  stream[count] ??= Buffer.from(
    streamHead +
      piece(chunk({ content: "word " })).repeat(count) +
      piece(chunk({}, "stop")) +
      piece("data: [DONE]\n\n") +
      streamEnd,
  );
  return stream[count];
}
