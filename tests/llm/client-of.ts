import type { HttpConfig, LlmConfig, ProviderConfig } from "../../src/core/config.js";
import { LlmError } from "../../src/core/errors.js";
import type { CompletionRequest, Delta } from "../../src/core/messages.js";
import type { Observation } from "../../src/core/ports.js";
import type { CompleteOptions } from "../../src/llm/call/call.js";
import { LlmClient } from "../../src/llm/client.js";
import type { OnDelta } from "../../src/llm/shared/showing.js";
import { llmConfig } from "../support/llm-config.js";

export const baseRequest: CompletionRequest = {
  messages: [{ role: "user", content: [{ type: "text", text: "the secret prompt" }] }],
  tools: [{ name: "fs__read", description: "Reads", inputSchema: { type: "object" } }],
};

interface AskOptions extends CompleteOptions {
  onDelta?: OnDelta;
}

interface TestClient extends AsyncDisposable {
  client: LlmClient;
  observed: Observation[];
  /** Returns the text shown so far, without text that was discarded. */
  shown: () => string;
  ask(options: AskOptions, request?: CompletionRequest): ReturnType<LlmClient["complete"]>;
  /** Resolves to the error of a request that must fail. */
  fails(options: AskOptions, request?: CompletionRequest): Promise<LlmError>;
}

/** Returns a client of that server, see `clientWith`. */
export function clientOf(
  server: { url: string },
  http: Partial<HttpConfig> = {},
  provider: ProviderConfig = {},
): TestClient {
  return clientWith(llmConfig(server.url, http, provider));
}

/** Returns a client that records what it shows and observes. Ids are `call_new1`, `req_new2`, … */
export function clientWith(config: LlmConfig, env: Record<string, string> = {}): TestClient {
  const observed: Observation[] = [];
  let deltas: Delta[] = [];
  let ids = 0;
  const client = new LlmClient(config, {
    env,
    observe: (event) => observed.push(event),
    newId: (prefix) => `${prefix}_new${++ids}`,
  });
  const onDelta: OnDelta = (event) => {
    if (event.type === "discard") deltas = [];
    else deltas.push(event);
  };
  const ask = ({ onDelta: own = onDelta, ...options }: AskOptions, request = baseRequest) =>
    client.complete(request, options, own);
  return {
    client,
    observed,
    shown: () => deltas.map(({ delta }) => delta).join(""),
    ask,
    fails: async (options, request) => {
      const outcome: unknown = await ask(options, request).catch((error: unknown) => error);
      if (outcome instanceof LlmError) return outcome;
      throw new Error(`not an LlmError: ${JSON.stringify(outcome)}`, { cause: outcome });
    },
    [Symbol.asyncDispose]: async () => client.close(),
  };
}
