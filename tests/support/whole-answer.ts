import type { WireName } from "../../src/core/config.js";

/** The call's id, and its argument `n`. */
export type WrittenCall = [id: string, n: number];
/** Write a whole answer with signed reasoning and these calls of the tool `f`, as the provider of each wire writes it. */
export const wholeAnswer: Record<WireName, (written: WrittenCall[]) => object> = {
  responses: (written) => ({
    status: "completed",
    output: [
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "SEALED" },
      ...written.map(([call_id, n]) => ({ type: "function_call", call_id, name: "f", arguments: `{"n":${n}}` })),
    ],
  }),
  messages: (written) => ({
    type: "message",
    content: [
      { type: "thinking", thinking: "hm", signature: "SEALED" },
      ...written.map(([id, n]) => ({ type: "tool_use", id, name: "f", input: { n } })),
    ],
    stop_reason: "tool_use",
  }),
  gemini: (written) => {
    const parts = written.map(([id, n]) => ({ functionCall: { id, name: "f", args: { n } } }));
    return {
      candidates: [
        { content: { parts: [{ thought: true, thoughtSignature: "SEALED" }, ...parts] }, finishReason: "STOP" },
      ],
    };
  },
  chat: (written) => {
    const toolCalls = written.map(([id, n], index) => ({
      index,
      id,
      function: { name: "f", arguments: `{"n":${n}}` },
    }));
    const reasoningDetails = [{ type: "reasoning.encrypted", data: "SEALED" }];
    return {
      choices: [
        {
          message: { content: null, tool_calls: toolCalls, reasoning_details: reasoningDetails },
          finish_reason: "tool_calls",
        },
      ],
    };
  },
};
