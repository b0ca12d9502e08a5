import {
  answer,
  chunk,
  cutStream,
  type LlmRequest,
  type LlmServer,
  type Step,
  stall,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import type { Ability, OpenDoor, Prompt } from "./door.js";

export interface Scenario {
  name: string;
  /** Returns the model's answers; called again for every door. */
  script: () => Step[] | ((request: LlmRequest) => Step);
  /** More settings of `chat.service`. */
  service?: object;
  play: Play;
  stored: Stored;
  /** The ability that the scenario needs. Through a door without it, the same events are stored as when the pipe plays `instead`. */
  needs?: { ability: Ability; instead: Play; stored: Stored };
  /** Events of answers that were not streamed, if they differ, and the reason why they must differ. */
  whole?: { stored: Stored; because: string };
}

export type Play = (door: OpenDoor, llm: LlmServer) => Promise<unknown>;

/** Types of the stored events, by conversation. Consecutive tool results count as one step. */
type Stored = Record<string, string[]>;

const turn: Prompt = { conversationId: "c1", requestId: "r1", text: "hi" };
const echo = (...numbers: number[]) =>
  toolCalls(numbers.map((n) => ({ name: "s__echo", arguments: { n }, id: `call_${n}` })));
const oneCall = ["assistant_message", "tool_call", "tool_sent", "tool_result"];
const said = ["assistant_message", "turn_end"];
const refused = ["user_message", "assistant_message", "tool_call", "question", "answer", "tool_result", ...said];
const aboutText = ({ body }: LlmRequest) => JSON.stringify(body.messages?.at(-1)?.content);

/** Sends half an answer, streamed or not, and then ends the connection. */
const brokenOff: Step = (response, request) => {
  const half = request.body.stream ? chunk({ content: "half" }) : '{"choices":[{"message":{"content":"half';
  stream([half, cutStream], { headers: request.body.stream ? {} : { "content-type": "application/json" } })(
    response,
    request,
  );
};

/** All scenarios. A new one is one more entry here. */
export const scenarios: readonly Scenario[] = [
  {
    name: "a plain answer",
    script: () => [answer("one two")],
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", ...said] },
  },
  {
    name: "tools in parallel",
    script: () => [echo(1, 2), answer("done")],
    play: (door) => door.prompt(turn),
    stored: {
      c1: [
        "user_message",
        "assistant_message",
        "tool_call",
        "tool_call",
        "tool_sent",
        "tool_sent",
        "tool_result",
        "tool_result",
        ...said,
      ],
    },
  },
  {
    name: "a tool that fails",
    script: () => [toolCalls([{ name: "s__oddly", arguments: {} }]), answer("sorry")],
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", ...oneCall, ...said] },
  },
  {
    name: "a question that is answered with yes",
    script: () => [echo(1), answer("done")],
    service: { approval: "ask" },
    play: (door) => door.prompt({ ...turn, answer: true }),
    stored: {
      c1: ["user_message", "assistant_message", "tool_call", "question", "answer", "tool_sent", "tool_result", ...said],
    },
    needs: {
      ability: "ask",
      instead: (door) => door.prompt({ ...turn, answer: false }),
      stored: { c1: refused },
    },
  },
  {
    name: "a question that is answered with no",
    script: () => [echo(1), answer("as you like")],
    service: { approval: "ask" },
    play: (door) => door.prompt({ ...turn, answer: false }),
    stored: { c1: refused },
  },
  {
    name: "a turn that is cancelled",
    script: () => [stream([stall])],
    play: (door, llm) => door.prompt({ ...turn, cancelAt: llm.received(1) }),
    stored: { c1: ["user_message", "turn_end"] },
  },
  {
    name: "an answer that breaks off",
    script: () => () => brokenOff,
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", "assistant_message", "turn_error"] },
    whole: {
      stored: { c1: ["user_message", "turn_error"] },
      because:
        "half a document is no answer: nothing of it was shown, so nothing of it is kept, and it is asked for again",
    },
  },
  {
    name: "the limit of hops",
    script: () => [echo(1), answer("enough")],
    service: { max_tool_hops: 1 },
    play: (door) => door.prompt(turn),
    stored: { c1: ["user_message", ...oneCall, ...said] },
  },
  {
    name: "a request that is sent three times, and its id with another text",
    script: () => () => answer("once"),
    play: async (door) => {
      await Promise.all([door.prompt(turn), door.prompt(turn)]);
      await door.prompt(turn);
      await door.prompt({ ...turn, text: "something else" });
    },
    stored: { c1: ["user_message", ...said] },
    needs: {
      ability: "name requests",
      instead: async (door) => {
        for (const requestId of ["r1", "r2", "r3"]) await door.prompt({ ...turn, requestId });
        await door.prompt({ ...turn, requestId: "r4", text: "something else" });
      },
      stored: { c1: Array.from({ length: 4 }, () => ["user_message", ...said]).flat() },
    },
  },
  {
    name: "two conversations at once",
    script: () => (request) => (aboutText(request).includes("first") ? echo(1) : answer("done")),
    play: (door) =>
      Promise.all([
        door.prompt({ ...turn, text: "first" }),
        door.prompt({ ...turn, conversationId: "c2", requestId: "r2", text: "second" }),
      ]),
    stored: { c1: ["user_message", ...oneCall, ...said], c2: ["user_message", ...said] },
  },
];
