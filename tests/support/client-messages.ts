/** Client messages that fast-check generates; most of them are nearly valid. */
import fc from "fast-check";
import { messageSchema } from "../../src/doors/protocol/message-schema.js";

interface ActionSchema {
  properties?: Record<string, { const?: string; anyOf?: object[] }>;
}

const defs = messageSchema().$defs as Record<string, ActionSchema>;

export const actions = Object.values(defs).flatMap(({ properties }) => properties?.action?.const ?? []);

export function payloadOf(action: string): { properties: object; required?: string[] } {
  const payload = defs[`client_${action}`]?.properties?.payload;
  return (payload?.anyOf?.[0] ?? payload) as { properties: object; required?: string[] };
}

const values: readonly unknown[] = [null, true, "", "r1", 0, 1, 1.5, 2 ** 53, 1e300, -1, [], {}, ["x"], { who: 1 }];

/** Values that may stand anywhere in a message, often where they are not allowed. */
const odd = fc.oneof(fc.constantFrom(...values), fc.jsonValue());

const field = (likely: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 6, arbitrary: likely }, { weight: 1, arbitrary: odd });

const name = field(fc.string({ minLength: 1, maxLength: 8 }));

const seen = fc.record({ seq: field(fc.nat()), turn_id: name, more: odd }, { requiredKeys: [] });

const part = fc.record(
  {
    type: field(fc.constantFrom("text", "image", "audio", "file", "resource_link")),
    ...{ text: name, data: name, mime_type: name, uri: name, name, more: odd },
  },
  { requiredKeys: [] },
);

const payload = fc.record(
  {
    text: name,
    content: field(fc.array(field(part), { maxLength: 2 })),
    temperature: field(fc.double({ min: 0, max: 2, noNaN: true })),
    effort: field(fc.constantFrom("none", "low", "max")),
    system: name,
    without_tools: field(fc.array(name, { maxLength: 2 })),
    name,
    question_id: name,
    uri: name,
    argument: name,
    prompt: name,
    template: name,
    model: name,
    value: field(fc.string()),
    arguments: field(fc.dictionary(fc.string(), fc.string())),
    from: field(fc.nat()),
    seen: field(seen),
    streaming: field(fc.boolean()),
    interrupt: field(fc.boolean()),
    constructor: odd,
  },
  { requiredKeys: [] },
);

const message = fc.record(
  { action: field(fc.constantFrom(...actions)), request_id: name, conversation_id: name, payload: field(payload) },
  { requiredKeys: ["action"] },
);

export const clientMessage = fc.oneof({ weight: 20, arbitrary: message }, { weight: 1, arbitrary: fc.jsonValue() });
