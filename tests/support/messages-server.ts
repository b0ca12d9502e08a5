import { json, type Step, stream } from "./llm-server.js";

type Block = Readonly<Record<string, unknown>>;

const usage = { input_tokens: 10, output_tokens: 5 };

/** Returns a complete answer over Messages in the requested form: one JSON document, or a stream with a delta for each word. */
export function messagesAnswer(text: string): Step {
  const words = (text.match(/\s*\S+/g) ?? []).map((word) => ({ type: "text_delta", text: word }));
  return answered([{ whole: { type: "text", text }, start: { type: "text", text: "" }, deltas: words }], "end_turn");
}

/** Returns a complete answer that calls tools: ids `toolu_1`, `toolu_2`, …; a stream sends the arguments in two pieces. */
export function messagesCalls(calls: readonly { name: string; arguments: unknown }[]): Step {
  const blocks = calls.map(({ name, arguments: input }, index) => {
    const text = JSON.stringify(input);
    const middle = Math.ceil(text.length / 2);
    const call = { type: "tool_use", id: `toolu_${index + 1}`, name };
    const pieces = [text.slice(0, middle), text.slice(middle)];
    const deltas = pieces.map((partial_json) => ({ type: "input_json_delta", partial_json }));
    return { whole: { ...call, input }, start: { ...call, input: {} }, deltas };
  });
  return answered(blocks, "tool_use");
}

function answered(blocks: readonly { whole: Block; start: Block; deltas: readonly Block[] }[], reason: string): Step {
  const message = { id: "msg_1", type: "message", role: "assistant", content: [] as Block[], stop_reason: null, usage };
  const events = [
    { type: "message_start", message },
    ...blocks.flatMap(({ start, deltas }, index) => [
      { type: "content_block_start", index, content_block: start },
      ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta: { stop_reason: reason }, usage },
    { type: "message_stop" },
  ];
  const framed = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const whole = { ...message, content: blocks.map((block) => block.whole), stop_reason: reason };
  return (to, request) => (request.body.stream ? stream(framed) : json(whole))(to, request);
}
