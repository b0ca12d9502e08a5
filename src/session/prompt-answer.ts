import { RequestError, TurnError } from "../core/errors.js";
import { isTurnEnd, type TurnEvent } from "../core/events.js";
import type { JsonSchema } from "../core/messages.js";
import { isObjectSchema, jsonSchemaOf, type ObjectSchema, problemsOf } from "../core/schemas/object-schema.js";
import type { PromptRequest } from "./shared/prompt-options.js";
import { LiveTurn } from "./turns/live-turn.js";

/** A request as a program gives it to `Session.prompt`. */
export interface Prompt extends Omit<PromptRequest, "requestId"> {
  /** Idempotency key. A request id is answered only once in a conversation. Default: a new id. */
  requestId?: string;
  /** Cancels the turn when it aborts. */
  signal?: AbortSignal | undefined;
}

/**
 * The events of a turn, or its whole answer by `text` or `object`. These two read the events themselves, so nobody sees a question: every
 * question is answered with no, unless the request sets `unattended: false`. They reject with TurnError if the turn ends in any other way than
 * with `end_turn`, and with what `Session.submit` rejects.
 */
export interface PromptAnswer extends AsyncGenerator<TurnEvent> {
  readonly requestId: string;
  /** Resolves with the text of the last answer. */
  text(): Promise<string>;
  /** Asks for JSON of this schema, and resolves with the checked value. The value of a plain JSON Schema has the type `unknown`. */
  object<Output>(schema: ObjectSchema<Output>): Promise<Output>;
  object(schema: JsonSchema): Promise<unknown>;
}

/** Makes the answer of a request. `submit` is called when the first event is read. */
export function promptAnswer(
  request: PromptRequest,
  submit: (request: PromptRequest) => Promise<LiveTurn>,
): PromptAnswer {
  let asked = request;
  let isBegun = false;
  const events = LiveTurn.watch(() => {
    isBegun = true;
    return submit(asked);
  });
  const text = (options?: Pick<PromptRequest, "output">) => {
    if (isBegun) {
      const message = "the events of this prompt are being read already: call text() or object() in place of the loop";
      return Promise.reject(new RequestError("usage", message));
    }
    asked = { unattended: true, ...request, ...options };
    return lastText(events);
  };
  const object = async <Output>(schema: ObjectSchema<Output> | JsonSchema): Promise<unknown> => {
    if (!isObjectSchema(schema)) return JSON.parse(await text({ output: { jsonSchema: schema } }));
    const answer = await text({ output: { jsonSchema: jsonSchemaOf(schema) } });
    const checked = await schema["~standard"].validate(JSON.parse(answer));
    if (!checked.issues) return checked.value;
    const problems = problemsOf(checked.issues);
    const hint = "Send the prompt again, or state the rule in the prompt: a JSON Schema may not be able to express it.";
    throw new TurnError("output", `the answer does not fit the schema: ${problems}`, { hint });
  };
  return Object.assign(events, {
    requestId: request.requestId,
    text: () => text(),
    object: object as PromptAnswer["object"],
  });
}

async function lastText(events: AsyncGenerator<TurnEvent>): Promise<string> {
  let text = "";
  let end: TurnEvent | undefined;
  for await (const event of events) {
    if (event.type === "assistant_message") text = event.message.content;
    if (isTurnEnd(event)) end = event;
  }
  if (end?.type === "turn_error") throw new TurnError(end.error.kind, end.error.message, end.error);
  const stopReason = end?.type === "turn_end" ? end.stopReason : "cancelled";
  if (stopReason !== "end_turn")
    throw new TurnError(stopReason, `the turn ended without a whole answer: ${stopReason}`);
  return text;
}
