/**
 * The answers of a model in the format of each wire, as the vendor sends them. `result`: a text that a request contains once for each tool
 * result. `whole`: the body of an answer. `streamed`: its events. `begin`, `word` and `end`: the events of an answer of many words.
 * Tool calls are `{id, name, text}`, where `text` holds the arguments.
 */
const event = (data, name) => `${name ? `event: ${name}\n` : ""}data: ${JSON.stringify(data)}\n\n`;
const named = (data) => event(data, data.type);

/** Number of answers so far, which makes their ids unique. Agents with a graph of messages drop the second message with the same id. */
let answers = 0;

export const wires = { chat: chat(), responses: responses(), messages: messages(), gemini: gemini() };

/** Returns the wire of a request, by its path. */
export function wireOf(path) {
  if (path.endsWith("/responses")) return wires.responses;
  if (path.endsWith("/messages")) return wires.messages;
  return path.includes("enerateContent") ? wires.gemini : wires.chat;
}

function chat() {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const id = "chatcmpl-CkD2bWqfY1vG0kTzW7nV9mR3eXaLp";
  const tier = { service_tier: "default", system_fingerprint: "fp_44709d6fcb" };
  const chunk = (delta, finish_reason = null) => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    const object = "chat.completion.chunk";
    return event({ id, object, created: 1764350000, model: "m1", ...tier, choices, usage: null });
  };
  const messageOf = (content, calls) => ({
    role: "assistant",
    content,
    ...(calls.length > 0 && {
      content: null,
      tool_calls: calls.map(({ id, name, text }, index) => {
        return { index, id, type: "function", function: { name, arguments: text } };
      }),
    }),
  });
  const end = `${chunk({}, "stop")}data: [DONE]\n\n`;
  return {
    result: '"role":"tool"',
    isStreaming: ({ body }) => body.includes('"stream":true'),
    whole(content, calls = []) {
      const choices = [
        { index: 0, message: messageOf(content, calls), finish_reason: calls.length > 0 ? "tool_calls" : "stop" },
      ];
      const object = "chat.completion";
      return JSON.stringify({ id: `chatcmpl-${++answers}`, object, created: 1, model: "m1", choices, usage });
    },
    streamed: (content, calls = []) => [
      chunk(messageOf(content, calls)),
      calls.length > 0 ? `${chunk({}, "tool_calls")}data: [DONE]\n\n` : end,
    ],
    begin: "",
    word: (content) => chunk({ content }),
    end: () => end,
  };
}

function responses() {
  const itemId = "msg_0d5c3a9b7e2f41860169298c4f7a8c819aa1b2c3d4e5f60718";
  const usage = {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 15,
  };
  const response = (output, status = "completed") => {
    return { id: `resp_${++answers}`, object: "response", created_at: 1, model: "m1", status, output, usage };
  };
  const textPart = (text) => ({ type: "output_text", annotations: [], logprobs: [], text });
  const itemsOf = (text, calls) =>
    calls.length === 0
      ? [{ id: itemId, type: "message", role: "assistant", status: "completed", content: [textPart(text)] }]
      : calls.map(({ id, name, text: args }, at) => {
          return { id: `fc_${at}`, type: "function_call", status: "completed", call_id: id, name, arguments: args };
        });
  const place = { item_id: itemId, output_index: 0, content_index: 0 };
  const open = { id: itemId, type: "message", role: "assistant", status: "in_progress", content: [] };
  const begin =
    named({ type: "response.created", sequence_number: 0, response: response([], "in_progress") }) +
    named({ type: "response.output_item.added", sequence_number: 1, output_index: 0, item: open }) +
    named({ type: "response.content_part.added", sequence_number: 2, ...place, part: textPart("") });
  return {
    result: '"function_call_output"',
    isStreaming: ({ body }) => body.includes('"stream":true'),
    whole: (text, calls = []) => JSON.stringify(response(itemsOf(text, calls))),
    streamed(text, calls = []) {
      const items = itemsOf(text, calls);
      return [
        ...items.map((item, at) => named({ type: "response.output_item.done", output_index: at, item })),
        named({ type: "response.completed", response: response(items) }),
      ];
    },
    begin,
    word: (delta, number) =>
      named({ type: "response.output_text.delta", sequence_number: number + 3, ...place, delta, logprobs: [] }),
    end(text) {
      const [item] = itemsOf(text, []);
      return (
        named({ type: "response.output_text.done", ...place, text, logprobs: [] }) +
        named({ type: "response.output_item.done", output_index: 0, item }) +
        named({ type: "response.completed", response: response([item]) })
      );
    },
  };
}

function messages() {
  const usage = { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 5 };
  const blocksOf = (text, calls) =>
    calls.length === 0
      ? [{ type: "text", text }]
      : calls.map(({ id, name, text: input }) => ({ type: "tool_use", id, name, input: JSON.parse(input) }));
  const message = (content, stop_reason) => {
    return { id: `msg_${++answers}`, type: "message", role: "assistant", model: "m1", content, stop_reason, usage };
  };
  const reasonOf = (calls) => (calls.length > 0 ? "tool_use" : "end_turn");
  const start = () => named({ type: "message_start", message: message([], null) });
  const blockStart = (content_block, index) => named({ type: "content_block_start", index, content_block });
  const blockDelta = (delta, index) => named({ type: "content_block_delta", index, delta });
  const blockStop = (index) => named({ type: "content_block_stop", index });
  const stop = (stop_reason) =>
    named({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } }) +
    named({ type: "message_stop" });
  return {
    result: '"tool_result"',
    isStreaming: ({ body }) => body.includes('"stream":true'),
    whole: (text, calls = []) => JSON.stringify(message(blocksOf(text, calls), reasonOf(calls))),
    streamed: (text, calls = []) => [
      start(),
      ...blocksOf(text, calls).flatMap((block, index) => {
        const { input } = block;
        if (!input) return [blockStart({ ...block, text: "" }, index), blockDelta({ type: "text_delta", text }, index)];
        const partialJson = JSON.stringify(input);
        return [
          blockStart({ ...block, input: {} }, index),
          blockDelta({ type: "input_json_delta", partial_json: partialJson }, index),
          blockStop(index),
        ];
      }),
      stop(reasonOf(calls)),
    ],
    begin: start() + blockStart({ type: "text", text: "" }, 0),
    word: (text) => blockDelta({ type: "text_delta", text }, 0),
    end: () => blockStop(0) + stop("end_turn"),
  };
}

function gemini() {
  const crlf = (data) => `data: ${JSON.stringify(data)}\r\n\r\n`;
  const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 };
  const response = (parts, finishReason) => {
    const candidates = [{ content: { parts, role: "model" }, ...(finishReason && { finishReason }), index: 0 }];
    return { candidates, usageMetadata, modelVersion: "m1", responseId: "T3kpaYb8FZqAmtkPwrGx8Q8" };
  };
  const partsOf = (text, calls) =>
    calls.length === 0
      ? [{ text }]
      : calls.map(({ id, name, text: args }) => ({ functionCall: { id, name, args: JSON.parse(args) } }));
  return {
    result: '"functionResponse"',
    isStreaming: ({ path }) => path.includes("streamGenerateContent"),
    whole: (text, calls = []) => JSON.stringify(response(partsOf(text, calls), "STOP")),
    streamed: (text, calls = []) => [crlf(response(partsOf(text, calls), "STOP"))],
    begin: "",
    word: (text) => crlf(response([{ text }])),
    end: () => crlf(response([{ text: "" }], "STOP")),
  };
}
