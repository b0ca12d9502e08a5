import { json, type Step, stream } from "./llm-server.js";

interface Event {
  type: string;
  [key: string]: unknown;
}

const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };

/** Returns a complete answer over Responses in the requested form: one JSON document, or a stream with a delta for each word. */
export function responsesAnswer(text: string): Step {
  const at = { item_id: "msg_1", output_index: 0 };
  const item = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", annotations: [], text }],
  };
  const words = (text.match(/\s*\S+/g) ?? []).map((delta) => ({
    type: "response.output_text.delta",
    ...at,
    content_index: 0,
    delta,
  }));
  return answered(
    [item],
    [{ type: "response.output_item.added", output_index: 0, item: { ...item, content: [] } }, ...words],
  );
}

/** Returns a complete answer that calls tools: ids `call_1`, `call_2`, …; a stream sends the arguments in two pieces. */
export function responsesCalls(calls: readonly { name: string; arguments: unknown }[]): Step {
  const items = calls.map(({ name, arguments: value }, index) => ({
    id: `fc_${index + 1}`,
    type: "function_call",
    status: "completed",
    call_id: `call_${index + 1}`,
    name,
    arguments: JSON.stringify(value),
  }));
  const events = items.flatMap((item, output_index) => {
    const middle = Math.ceil(item.arguments.length / 2);
    const pieces = [item.arguments.slice(0, middle), item.arguments.slice(middle)];
    return [
      { type: "response.output_item.added", output_index, item: { ...item, arguments: "" } },
      ...pieces.map((delta) => ({
        type: "response.function_call_arguments.delta",
        item_id: item.id,
        output_index,
        delta,
      })),
    ];
  });
  return answered(items, events);
}

function answered(output: readonly object[], pieces: readonly Event[]): Step {
  const response = { id: "resp_1", object: "response", status: "completed", error: null, output, usage };
  const begun = { ...response, status: "in_progress", output: [], usage: null };
  const events: Event[] = [
    { type: "response.created", response: begun },
    ...pieces,
    ...output.map((item, output_index) => ({ type: "response.output_item.done", output_index, item })),
    { type: "response.completed", response },
  ];
  const framed = events.map(
    (event, sequence_number) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`,
  );
  return (to, request) => (request.body.stream ? stream(framed) : json(response))(to, request);
}
