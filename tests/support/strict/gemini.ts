import {
  checkGeminiRequest,
  type GeminiModel,
  geminiModel,
  geminiModelNames,
  invalid,
  mergedContents,
} from "./gemini-request.js";
import { IssuedSignatures } from "./gemini-signatures.js";
import { type InputTokens, segmentOf, tokensOf } from "./prefix-cache.js";
import { isJson, type Json, listOf, Refusal, textOf } from "./refusal.js";
import type { Answer, End, Failure, FailureKind, Part } from "./script.js";
import {
  type Accepted,
  type HttpRequest,
  type MockWire,
  pieces,
  type Rendered,
  type Reply,
  type Vendor,
  type WireEvent,
} from "./server.js";

/** Makes Gemini's `:generateContent`, `:streamGenerateContent` and the list of models. */
export function geminiWire(vendor: Vendor): MockWire {
  const issued = new IssuedSignatures();
  return {
    takes: ({ url }) => url.pathname.startsWith("/v1beta/models"),
    refuse: ({ status, type, message, code }) => errorReply(status, type, message, detailsOf(code)),
    fail: failureReply,
    receive: (request) => {
      const { body, url } = request;
      if (request.text.length > 20 * 1024 * 1024)
        throw invalid("Request payload size exceeds the limit: 20971520 bytes.");
      const account = accountOf(request, vendor);
      if (request.method === "GET") return modelList();
      const [, name = "", method = ""] = /^\/v1beta\/models\/([^:]+):(\w+)$/.exec(url.pathname) ?? [];
      const model = geminiModel(name);
      if (method !== "generateContent" && method !== "streamGenerateContent")
        throw new Refusal(`models/${name} has no method ${method}`, { status: 404, type: "NOT_FOUND" });
      checkGeminiRequest(body, model);
      const contents = mergedContents(body);
      issued.check(contents, model, account);
      const input = inputTokens(vendor, account, name, model, body);
      const window = vendor.contextWindow ?? model.window;
      const size = input.tokens.input;
      if (size > window)
        throw invalid(`The input token count (${size}) exceeds the maximum number of tokens allowed (${window}).`);
      const isSse = url.searchParams.get("alt") === "sse";
      return {
        model: name,
        account,
        isStreamed: method === "streamGenerateContent",
        seen: seenOf(name, contents),
        input,
        lostReasoning: issued.lost(contents),
        warnings: warningsOf(body, model),
        headers: jsonArrayHeaders(isSse || method === "generateContent"),
        errorEvent: (kind) => {
          const { reply } = failureReply({ fails: kind });
          return isSse ? frame(reply) : `${JSON.stringify(reply)}]`;
        },
        render: (answer) => {
          const parts = partsOf(answer, body, model, vendor);
          issued.remember(parts, account);
          return render(answer, parts, name, input.tokens, isSse, vendor);
        },
      } satisfies Accepted;
    },
  };
}

/** A stream without `alt=sse` is one JSON array. */
const jsonArrayHeaders = (isOther: boolean): Record<string, string> =>
  isOther ? {} : { "content-type": "application/json" };

/**
 * Returns the account of the key. The mock accepts the key only in the header, because addresses end up in logs; the service is less
 * strict.
 */
function accountOf({ headers, url }: HttpRequest, vendor: Vendor): string {
  if (url.searchParams.has("key")) throw invalid("The key must be sent in the x-goog-api-key header, not in the URL.");
  const key = headers["x-goog-api-key"];
  if (typeof key !== "string" || !key)
    throw new Refusal(
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
      { status: 403, type: "PERMISSION_DENIED" },
    );
  return vendor.account(
    key,
    () =>
      new Refusal("API key not valid. Please pass a valid API key.", {
        type: "INVALID_ARGUMENT",
        code: "API_KEY_INVALID",
      }),
  );
}

const detailsOf = (reason: string | null): object[] | undefined =>
  reason === null
    ? undefined
    : [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason, domain: "googleapis.com" }];

const errorReply = (code: number, status: string, message: string, details?: object[]): Reply => ({
  status: code,
  reply: { error: { code, message, status, ...(details && { details }) } },
});

const modelList = (): Reply => ({
  status: 200,
  reply: {
    models: geminiModelNames.map((name) => ({
      name: `models/${name}`,
      displayName: name,
      inputTokenLimit: 1_048_576,
      outputTokenLimit: 65_536,
      supportedGenerationMethods: ["generateContent", "countTokens"],
    })),
  },
});

/** Code, status and text of each failure. */
const failures: Record<FailureKind, [code: number, status: string, message: string]> = {
  rate_limit: [
    429,
    "RESOURCE_EXHAUSTED",
    "You exceeded your current quota, please check your plan and billing details.",
  ],
  quota: [429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."],
  overloaded: [503, "UNAVAILABLE", "The model is overloaded. Please try again later."],
  server: [500, "INTERNAL", "An internal error has occurred. Please retry."],
  timeout: [504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."],
  auth: [400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."],
  billing: [403, "PERMISSION_DENIED", "This API method requires billing to be enabled."],
  forbidden: [403, "PERMISSION_DENIED", "Permission denied."],
  not_found: [404, "NOT_FOUND", "models/unknown is not found for API version v1beta."],
  too_large: [413, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."],
  context_overflow: [
    400,
    "INVALID_ARGUMENT",
    "The input token count (1048999) exceeds the maximum number of tokens allowed (1048576).",
  ],
  html: [502, "", "<html><title>Error 502 (Server Error)!!1</title></html>"],
};

function failureReply({ fails, retryAfter, headers }: Failure): Reply {
  const [code, status, message] = failures[fails];
  if (fails === "html") return { status: code, headers, reply: message };
  const violation = (quotaId: string) => ({
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    violations: [{ quotaMetric: "generativelanguage.googleapis.com/requests", quotaId }],
  });
  const details = [
    ...(fails === "rate_limit" ? [violation("GenerateRequestsPerMinutePerProjectPerModel")] : []),
    ...(fails === "quota" ? [violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier")] : []),
    ...(fails === "auth" ? (detailsOf("API_KEY_INVALID") ?? []) : []),
    ...(retryAfter ? [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: delayOf(retryAfter) }] : []),
  ];
  const reply = errorReply(code, status, message, details.length > 0 ? details : undefined);
  return { ...reply, headers };
}

function delayOf(retryAfter: NonNullable<Failure["retryAfter"]>): string {
  if ("body" in retryAfter) return retryAfter.body;
  if ("seconds" in retryAfter) return `${retryAfter.seconds}s`;
  if ("milliseconds" in retryAfter) return `${retryAfter.milliseconds / 1000}s`;
  throw new Error("Gemini has no date for retries");
}

function warningsOf(body: Json, model: GeminiModel): string[] {
  const { temperature } = isJson(body.generationConfig) ? body.generationConfig : {};
  const parts = listOf(body.contents).flatMap((content) => listOf(content.parts));
  const hasCalls = parts.some(({ functionCall }) => functionCall !== undefined);
  return [
    ...(model.isThree && typeof temperature === "number" && temperature < 1
      ? ["a temperature below 1 makes Gemini 3 loop"]
      : []),
    ...(hasCalls && listOf(body.tools).length === 0 ? ["there are calls in the contents, but no tools"] : []),
  ];
}

function seenOf(model: string, contents: Json[]): Accepted["seen"] {
  const texts = (parts: unknown) => listOf(parts).flatMap(({ text }) => (typeof text === "string" ? [text] : []));
  const isPrompt = ({ role, parts }: Json) => role !== "model" && texts(parts).length > 0;
  return {
    model,
    userText: texts(contents.findLast(isPrompt)?.parts).join(""),
    results: listOf(contents.at(-1)?.parts).flatMap(({ functionResponse }) =>
      isJson(functionResponse) ? [resultText(functionResponse.response)] : [],
    ),
  };
}

function resultText(response: unknown): string {
  const { output, error } = isJson(response) ? response : {};
  const value = output ?? error ?? response;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function inputTokens(
  { cache }: Vendor,
  account: string,
  name: string,
  { cacheMinimum }: GeminiModel,
  body: Json,
): Accepted["input"] {
  const parts = listOf(body.contents).flatMap(({ role, parts }) => listOf(parts).map((part) => ({ role, ...part })));
  const prompt = [body.systemInstruction, ...listOf(body.tools), ...parts].filter((part) => part !== undefined);
  const segments = prompt.map((part, index) => segmentOf(part, index));
  return cache.automatic(JSON.stringify([account, name]), segments, cacheMinimum, 1, 600_000);
}

const answersNothing: End[] = ["empty", "malformed_call", "prompt_blocked"];

/** Makes the parts of an answer. Gemini 3 signs the first call of the answer, or an empty last text if there is no call. */
function partsOf(answer: Answer, body: Json, model: GeminiModel, vendor: Vendor): Json[] {
  if (answer.end && answersNothing.includes(answer.end)) return [];
  const config = isJson(body.generationConfig) ? body.generationConfig.thinkingConfig : undefined;
  const isShown = isJson(config) && config.includeThoughts === true;
  const parts = answer.parts.flatMap((part) => partOf(part, isShown, model, vendor));
  const isThinking = answer.parts.some(({ kind }) => kind === "thinks") || model.isThree;
  const call = parts.find(({ functionCall }) => functionCall !== undefined);
  if (call && isThinking) call.thoughtSignature = vendor.newSeal("CiQB");
  else if (!call && model.isThree && answer.end === undefined)
    parts.push({ text: "", thoughtSignature: vendor.newSeal("CiQB") });
  return parts;
}

function partOf(part: Part, isShown: boolean, model: GeminiModel, vendor: Vendor): Json[] {
  if (part.kind === "thinks") return isShown && !part.isRedacted ? [{ text: part.text, thought: true }] : [];
  if (part.kind === "says") return [{ text: part.text }];
  return [
    {
      functionCall: {
        ...(model.isThree && { id: vendor.newId("", 16) }),
        name: part.name,
        args: JSON.parse(part.arguments || "{}"),
      },
    },
  ];
}

const finishReasons: Partial<Record<End, string>> = {
  length: "MAX_TOKENS",
  context_window: "MAX_TOKENS",
  refusal: "PROHIBITED_CONTENT",
  content_filter: "SAFETY",
  malformed_call: "MALFORMED_FUNCTION_CALL",
};

const frame = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\r\n\r\n`;

/** Makes the whole response and the chunks of the same response. */
function render(
  { parts: said, end }: Answer,
  parts: Json[],
  model: string,
  input: InputTokens,
  isSse: boolean,
  vendor: Vendor,
): Rendered {
  const size = (part: Part) => tokensOf(part.kind === "calls" ? part.arguments : part.text);
  const reasoning = said.reduce((sum, part) => sum + (part.kind === "thinks" ? size(part) : 0), 0);
  const spoken = said.reduce((sum, part) => sum + (part.kind === "thinks" ? 0 : size(part)), 0);
  const usageMetadata = (candidates: number) => ({
    promptTokenCount: input.input,
    ...(input.read > 0 && { cachedContentTokenCount: input.read }),
    candidatesTokenCount: candidates,
    totalTokenCount: input.input + candidates + reasoning,
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: input.input }],
  });
  const responseId = vendor.newId("", 22);
  const finishReason = (end && finishReasons[end]) ?? "STOP";
  const chunk = (some: Json[], reason: string | undefined, candidates: number) => ({
    ...(end === "prompt_blocked"
      ? { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }
      : {
          candidates: [
            {
              ...((some.length > 0 || reason === undefined) && { content: { parts: some, role: "model" } }),
              ...(reason && { finishReason: reason }),
              index: 0,
            },
          ],
        }),
    usageMetadata: usageMetadata(candidates),
    modelVersion: model,
    responseId,
  });
  const deltas = parts.flatMap(deltasOf);
  // The last chunk has the signature of a text, or else an empty text without a signature. The SDK's chats need that text; a whole answer
  // lacks it.
  const isSigned = deltas.at(-1)?.part.text === "";
  const last = isSigned ? deltas.slice(-1).map(({ part }) => part) : deltas.length > 0 ? [{ text: "" }] : [];
  const chunks = [
    ...(isSigned ? deltas.slice(0, -1) : deltas).map(({ part, stage }) => ({
      stage,
      chunk: chunk([part], undefined, 1),
    })),
    { stage: "closing" as const, chunk: chunk(last, finishReason, spoken) },
  ];
  const events: WireEvent[] = chunks.map(({ stage, chunk }, index) => ({
    stage,
    text: isSse
      ? frame(chunk)
      : `${index === 0 ? "[" : ""}${JSON.stringify(chunk)}${index === chunks.length - 1 ? "]" : ",\r\n"}`,
  }));
  return { whole: chunk(parts, finishReason, spoken), events, output: spoken + reasoning, reasoning };
}

function deltasOf(part: Json): { part: Json; stage: WireEvent["stage"] }[] {
  if (isJson(part.functionCall)) return [{ part, stage: "call" }];
  if (!part.text) return [{ part, stage: "frame" }];
  return pieces(textOf(part.text)).map((text) => ({
    part: { ...part, text },
    stage: part.thought ? "reasoning" : "text",
  }));
}
