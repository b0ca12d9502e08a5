/**
 * A mock model on every wire that uses very little processor time. The last `[[scenario]]` in a request selects the answer:
 * - `plain`, also the default: a short answer
 * - `burst-N`: N small chunks at once
 * - `paced-N`: N chunks at 50 a second. Each contains the time at which it was written, in microseconds of the machine's monotonic clock.
 * - `tools-HxC-NAME`: H hops with C calls of the tool each, then an answer
 * - `written`: the number of paced chunks written so far
 *
 * Sends its parent the port and, for each message from the parent, the body of the latest request.
 */
import { begin, chunksWritten } from "./pace.mjs";
import { answer, listen, piece, streamEnd, streamHead } from "./raw-http.mjs";
import { wireOf } from "./wires.mjs";

const bursts = new Map();
let lastBody = Buffer.alloc(0);

process.send({ port: await listen(respond) });
process.on("message", () => process.send({ body: lastBody.toString() }));
process.on("disconnect", () => process.exit());

function respond(request, socket) {
  const { body, path } = request;
  lastBody = body;
  const wire = wireOf(path);
  const [kind, amount, tool] = scenarioIn(body).split("-");
  if (kind === "burst") return socket.write(burst(wire, Number(amount)));
  if (kind === "paced") return begin(socket, wire, Number(amount));
  const say = (...said) => {
    if (!wire.isStreaming(request)) return answer(socket, "application/json", wire.whole(...said));
    socket.write(
      streamHead +
        wire
          .streamed(...said)
          .map(piece)
          .join("") +
        streamEnd,
    );
  };
  if (kind === "written") return say(String(chunksWritten()));
  const [hops, calls] = kind === "tools" ? amount.split("x").map(Number) : [0, 0];
  const hop = hops === 0 ? 0 : occurrences(body, wire.result) / calls;
  if (hop < hops) return say("", callsOf(nameEndingWith(body, tool), hop, calls));
  say("That is all.");
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

/** Returns the host's name for the tool: hosts put prefixes before the server's name for it. */
function nameEndingWith(body, tool) {
  const end = body.indexOf(`${tool}"`);
  return body.latin1Slice(body.lastIndexOf('"', end) + 1, end + tool.length);
}

/** Returns the tool calls of a hop. All have different arguments, because hosts stop a model that repeats its calls. */
function callsOf(name, hop, count) {
  return Array.from({ length: count }, (_, index) => {
    return { id: `call_${hop}_${index}`, name, text: JSON.stringify({ text: `hop ${hop}, call ${index}` }) };
  });
}

/** Returns a whole streamed answer in one buffer. Each chunk is an HTTP chunk of its own, as real servers send it. */
function burst(wire, count) {
  const known = bursts.get(wire) ?? {};
  bursts.set(wire, known);
  const words = () => Array.from({ length: count }, (_, number) => piece(wire.word("word ", number)));
  known[count] ??= Buffer.from(
    streamHead +
      (wire.begin && piece(wire.begin)) +
      words().join("") +
      piece(wire.end("word ".repeat(count))) +
      streamEnd,
  );
  return known[count];
}
