/** A program that controls the host as Claude Code's clients do: it writes and reads lines, and answers requests. */
import { PassThrough } from "node:stream";
import type { PipeOptions } from "../../../src/doors/claude/claude-conversation.js";
import { runClaudePipe } from "../../../src/doors/claude/pipe.js";
import type { App } from "../../../src/index.js";
import { doorParts, interrupts, Sink } from "../support.js";

export interface ClaudeMessage {
  type: string;
  subtype?: string;
  [field: string]: unknown;
}

export const parse = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line): ClaudeMessage => JSON.parse(line));

/** Returns options whose UUIDs count up. */
export function claudeOptions() {
  let uuids = 0;
  return {
    cwd: "/here",
    version: "1.2.3",
    approval: "ask" as const,
    includePartialMessages: false,
    newUuid: () => `uuid-${++uuids}`,
  };
}

export function openPipe(app: App, options: Partial<PipeOptions> = {}, stdout = new Sink()) {
  const stdin = new PassThrough();
  const { onInterrupt, interrupt } = interrupts();
  const given = {
    ...claudeOptions(),
    conversationId: "c",
    turn: {},
    systemPrompt: "Be kind.",
    canAsk: false,
    replaysPrompts: false,
    ...options,
  };
  const exitCode = runClaudePipe(doorParts(app), given, { stdin, stdout, onInterrupt });
  const send = (line: unknown) => void stdin.write(typeof line === "string" ? line : `${JSON.stringify(line)}\n`);
  const messages = (type?: string) => parse(stdout.text).filter((message) => !type || message.type === type);
  return {
    exitCode,
    stdin,
    stdout,
    interrupt,
    messages,
    send,
    user: (content: unknown, more: object = {}) => send({ type: "user", message: { role: "user", content }, ...more }),
    control: (requestId: string, request: object) => send({ type: "control_request", request_id: requestId, request }),
    /** Returns the last request that the host sent to this program. */
    asked: () =>
      messages("control_request").at(-1) as unknown as { request_id: string; request: Record<string, unknown> },
    respond: (requestId: string, response: object, subtype = "success") =>
      send({ type: "control_response", response: { subtype, request_id: requestId, response } }),
    response: (requestId: string) =>
      messages("control_response")
        .map(({ response }) => response as { subtype: string; request_id: string; response?: object; error?: string })
        .find(({ request_id }) => request_id === requestId),
    end: () => {
      stdin.end();
      return exitCode;
    },
  };
}

/** Returns a summary of a turn: the content of each message in short. */
export function shape(messages: readonly ClaudeMessage[]): string[] {
  return messages.map(({ type, subtype, message, event }) => {
    const content = (message as { content?: { type: string }[] })?.content?.map((block) => block.type).join("+");
    const name = subtype ?? content ?? (event as { type: string })?.type;
    return name === undefined ? type : `${type} ${name}`;
  });
}
