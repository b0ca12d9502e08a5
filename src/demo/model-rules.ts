import { type DemoCall, type DemoTool, findRounds, ownName } from "./model-phrases.js";

export interface DemoMessage {
  role: string;
  text: string;
  /** Tool calls of an assistant message. Empty for other messages. */
  calls: readonly { id: string; name: string }[];
  /** Id of the call that a tool message answers. Not used for other messages. */
  callId: string;
}

export type DemoReply = { text: string; calls?: undefined } | { text?: undefined; calls: DemoCall[] };

/** Returns the demo model's reply. The reply depends only on the last user message and the messages after it. */
export function replyTo(messages: readonly DemoMessage[], tools: readonly DemoTool[]): DemoReply {
  const asked = messages.findLastIndex((message) => message.role === "user" && !isAttachment(message));
  const since = messages.slice(asked + 1);
  const roundsMade = since.filter(({ calls }) => calls.length > 0).length;
  const next = findRounds(withoutNotes(messages[asked]?.text ?? ""), tools)[roundsMade];
  if (next) return { calls: next };
  const results = since.filter(({ role }) => role === "tool");
  return { text: results.length > 0 ? report(results, since) : introduction(tools) };
}

/** Returns true for the user message in which the host sends the images and other attachments of a tool result. */
function isAttachment({ text }: DemoMessage): boolean {
  return text.startsWith("From the tool call ");
}

/** Removes the notes that the host appends to the user's text for the model. */
function withoutNotes(text: string): string {
  const at = text.indexOf("[Note of the host");
  return at < 0 ? text : text.slice(0, at).trimEnd();
}

function report(results: readonly DemoMessage[], messages: readonly DemoMessage[]): string {
  const [first, ...others] = results;
  if (first && others.length === 0 && !isError(first.text)) {
    return /\n|.{80}|[.?!}]$/.test(first.text) ? shortened(first.text) : `The answer is ${first.text}.`;
  }
  const names = new Map<string, string>();
  const lines = messages.flatMap(({ role, text, calls, callId }) => {
    for (const { id, name } of calls) names.set(id, name);
    if (role !== "tool") return [];
    const name = names.get(callId) ?? "a tool";
    const lead = text.startsWith(name) ? "" : `${name}${isError(text) ? " failed" : ""}: `;
    return [`${lead}${shortened(text)}`.replaceAll(/\s+/g, " ")];
  });
  return lines.join("\n");
}

/** Returns true if a tool result begins like the error messages of hosts and servers. Chat Completions has no error flag for results. */
function isError(text: string): boolean {
  return errorStarts.some((start) => start.test(text));
}

const errorStarts = [
  /^(?:\w+ )?error\b/i,
  /^(?:not run|outcome unknown|failed|cannot|invalid|unknown tool)\b/i,
  /^\S+ (?:failed|was not called|was cancelled|did not answer)\b/i,
];

const longestResult = 1_000;

function shortened(text: string): string {
  return text.length > longestResult ? `${text.slice(0, longestResult)}… (${text.length} characters)` : text;
}

const mostNames = 12;

function introduction(tools: readonly DemoTool[]): string {
  const names = tools.slice(0, mostNames).map(({ name }) => name);
  if (tools.length > mostNames) names.push(`${tools.length - mostNames} more`);
  const canAdd = tools.some((tool) => ownName(tool) === "add");
  const example = canAdd ? "Add 2 and 40" : `call ${names[0]} with name=value`;
  return [
    "I am the demo model: I follow simple rules to call tools and understand nothing else.",
    tools.length > 0
      ? `Tools: ${names.join(", ")}. Try: "${example}".`
      : "No tool is connected: see mcpServers in config.yaml.",
    "For a real model, export OPENAI_API_KEY=… (or another provider's key), or set llm.active in config.yaml.",
  ].join("\n");
}
