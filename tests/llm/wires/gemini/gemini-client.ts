import type { HttpConfig, LlmConfig, ProviderConfig } from "../../../../src/core/config.js";
import type {
  Completion,
  CompletionRequest,
  ContentPart,
  Message,
  ToolDefinition,
} from "../../../../src/core/messages.js";
import { llmConfig } from "../../../support/llm-config.js";
import type { StrictMock } from "../../../support/strict/index.js";
import { clientWith } from "../../client-of.js";

export const tools: ToolDefinition[] = [
  { name: "fs__add", description: "Adds", inputSchema: { type: "object", properties: { a: { type: "number" } } } },
];

export const user = (text: string): Message => ({ role: "user", content: [{ type: "text", text }] });

/** Returns a configuration with the provider `gemini` at the mock, and the test's other settings. */
export function geminiConfig(
  { url }: Pick<StrictMock, "url">,
  provider: ProviderConfig = {},
  change: Partial<LlmConfig> = {},
  ofHttp: Partial<HttpConfig> = {},
): LlmConfig {
  const { http, streamRecovery } = llmConfig(url, ofHttp);
  const own: ProviderConfig = { baseUrl: url, wire: "gemini", model: "gemini-3.5-pro", apiKey: "key-of-gemini" };
  const providers = { gemini: { ...own, ...provider }, ...change.providers };
  return { active: "gemini", fallback: [], streamRecovery, http, ...change, providers };
}

/** Returns a client that uses the wire gemini. */
export function geminiClient(...args: Parameters<typeof geminiConfig>) {
  return clientWith(geminiConfig(...args));
}

interface Talk {
  messages: Message[];
  completions: Completion[];
}

interface TalkOptions extends Partial<CompletionRequest> {
  streaming?: boolean;
  /** Returns the result of a call. Default: the call's arguments as a text. */
  result?: (call: { name: string; arguments: string }) => ContentPart[];
}

/** Sends requests and answers every call until an answer calls no tool. Returns all messages, the given ones first. */
export async function talk(
  { ask }: Pick<ReturnType<typeof geminiClient>, "ask">,
  before: readonly Message[],
  { streaming = true, result, ...request }: TalkOptions = {},
): Promise<Talk> {
  const messages = [...before];
  const completions: Completion[] = [];
  for (;;) {
    const completion = await ask({ streaming }, { tools, ...request, messages });
    completions.push(completion);
    messages.push(completion.message);
    if (completion.message.toolCalls.length === 0) return { messages, completions };
    for (const call of completion.message.toolCalls) {
      const content = result?.(call) ?? [{ type: "text" as const, text: call.arguments }];
      messages.push({ role: "tool", toolCallId: call.id, content, isError: false });
    }
  }
}
