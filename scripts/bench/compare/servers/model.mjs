/**
 * A model that costs next to nothing, on every wire. The last `[[scenario]]` in a request says what it does:
 * `plain` (also without any): a short answer; `burst-N`: N small chunks at once; `paced-N`: N chunks at 50 a second, each holding the
 * time that it was written in microseconds of the machine's monotonic clock; `tools-HxC-NAME`: H hops with C calls of the tool, then an
 * answer; `written`: how many chunks at 50 a second there were so far. Tells its parent the port, and the body of the latest request when it is asked.
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

/** Hosts call tools by names of their own, which end with the server's. */
function nameEndingWith(body, tool) {
  const end = body.indexOf(`${tool}"`);
  return body.latin1Slice(body.lastIndexOf('"', end) + 1, end + tool.length);
}

/** No two calls are alike: hosts notice a model that goes round in circles. */
function callsOf(name, hop, count) {
  return Array.from({ length: count }, (_, index) => {
    return { id: `call_${hop}_${index}`, name, text: JSON.stringify({ text: `hop ${hop}, call ${index}` }) };
  });
}

/** Each chunk is a piece of its own, as real servers send them, but all are there at once. */
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
