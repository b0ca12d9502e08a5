import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type EveryWire, eventsOf, everyWire, shown, type TriedWire, wires } from "../support/every-wire.js";
import { answer, type Break, breaking, calls, type Failure, failing, says, thinks } from "../support/strict/index.js";

let host: EveryWire;
beforeAll(async () => {
  host = await everyWire({
    talks: 200,
    variants: { first_soon_: { ttft_timeout: 0.05 }, next_soon_: { idle_timeout: 0.05 } },
  });
});
afterAll(async () => host[Symbol.asyncDispose]());

const end = (stopReason: string) => ({ type: "turn_end", stopReason });
const failed = (kind: string, more: object = {}) => ({ type: "turn_error", error: { kind, ...more } });
const parts = [thinks("hm"), says("I look now."), calls("s__echo", { n: 1, b: "long enough" })];
const places: Break["at"][] = ["start", "before_text", "after_text", "in_call", "before_end"];
type Fault = Pick<Break, "how" | "at">;
/** Breaks of a stream. A cut connection differs between wires only in its place; an error is in the wire's own words. */
const breaks: Fault[] = [
  ...places.flatMap((at): Fault[] => [
    { how: "cut", at },
    { how: "error", at },
  ]),
  { how: "reset", at: "after_text" },
];
const visible = breaks.filter(({ how, at }) => how !== "reset" && (at === "after_text" || at === "in_call"));

/** Returns the first message of the assistant in a request of any wire. */
function saidIn(body: Record<string, unknown> = {}): unknown {
  const list = [body.input, body.messages, body.contents].find(Array.isArray) ?? [];
  return (list as { role?: string }[]).find(({ role }) => role === "assistant" || role === "model");
}

/** Returns the pauses before repeated requests, in ms. */
const waits = ({ observed }: ReturnType<EveryWire["talk"]>) =>
  observed()
    .filter(({ message }) => message === "request failed, trying again")
    .map(({ fields }) => Number(fields?.delayMs));

/** After each fault the conversation continues: the provider accepts the history that the log still has. */
describe.each(wires)("over $name", (wire) => {
  /** The second form of an error in a stream, which only Responses has. */
  const second = wire.name === "responses" ? places.map((at): Fault => ({ how: "failed", at })) : [];

  test.each([...breaks, ...second])("a stream with $how at $at is asked for again, and shown once", async (fault) => {
    const talk = host.talk(wire, [breaking(fault, ...parts), answer(...parts), answer("Seen.")]);
    const events = await talk.turn("look", { streamRecovery: "restart" });
    expect(events.at(-1)).toMatchObject(end("end_turn"));
    expect(eventsOf(events, "assistant_message").map(({ attempts }) => attempts)).toEqual([2, 1]);
    expect(eventsOf(events, "tool_sent")).toHaveLength(1);
    expect(shown(events).text).toBe("I look now.Seen.");
    talk.expectTaken();
  });

  test.each(visible)(
    "a stream with $how at $at fails where nothing is shown twice, and another turn follows",
    async (fault) => {
      const talk = host.talk(wire, [breaking(fault, ...parts), answer(...parts), answer("Seen.")]);
      const events = await talk.turn("look");
      expect(events.at(-1)).toMatchObject(failed("stream_interrupted", { retryable: true }));
      expect(eventsOf(events, "assistant_message")).toMatchObject([{ interrupted: true, message: { toolCalls: [] } }]);
      expect((await talk.turn("look again")).at(-1)).toMatchObject(end("end_turn"));
      // From a partial answer only the text is sent back, over Responses with its phase.
      talk.expectTaken({ isLost: true });
      const phase = wire.name === "responses" ? { phase: "commentary" } : {};
      expect(saidIn(talk.requests().at(-1)?.body)).toMatchObject(phase);
    },
  );

  test.each(["cut", "reset", "error"] as const)(
    "an answer that is not streamed, with %s, is asked for again",
    async (how) => {
      const talk = host.talk(wire, [breaking({ how, at: "after_text" }, ...parts), answer("Whole.")]);
      const events = await talk.turn("look", { streaming: false });
      expect(eventsOf(events, "assistant_message")).toMatchObject([{ attempts: 2, message: { content: "Whole." } }]);
      talk.expectTaken();
    },
  );

  test.each([
    ["before_text", "first_soon_", "ttft_timeout"],
    ["after_text", "next_soon_", "idle_timeout"],
  ] as const)("a stream that stands still %s is given up, and another turn follows", async (at, variant, kind) => {
    const stall = breaking({ how: "stall", at }, says("I look now."));
    const talk = host.talk(wire, [...Array(at === "before_text" ? 4 : 1).fill(stall), answer("Seen.")], variant);
    expect((await talk.turn("look")).at(-1)).toMatchObject(failed(kind));
    const other = `${wire.provider}/${wire.model}`;
    expect((await talk.turn("look again", { model: other })).at(-1)).toMatchObject(end("end_turn"));
    talk.expectTaken();
  });

  test.each(["rate_limit", "overloaded", "server", "timeout", "html"] as const)("%s is sent again", async (fails) => {
    const talk = host.talk(wire, [failing(fails), failing(fails), answer("After all.")]);
    const events = await talk.turn("look");
    expect(eventsOf(events, "assistant_message")).toMatchObject([{ attempts: 3, message: { content: "After all." } }]);
    expect(waits(talk)).toHaveLength(2);
    talk.expectTaken();
  });

  test.each<[Failure["fails"], string]>([
    ["quota", "quota"],
    ["billing", wire.name === "gemini" ? "auth" : "quota"],
    ["auth", "auth"],
    ["forbidden", "auth"],
    ["not_found", "model_gone"],
    ["too_large", "context_length"],
    ["context_overflow", "context_length"],
  ])("%s is final (%s), and another turn follows", async (fails, kind) => {
    const talk = host.talk(wire, [failing(fails), answer("Yes.")]);
    expect((await talk.turn("look", { streaming: false })).at(-1)).toMatchObject(failed(kind, { retryable: false }));
    expect((await talk.turn("and now?")).at(-1)).toMatchObject(end("end_turn"));
    talk.expectTaken();
  });

  test.each(hintsOf(wire).map(({ form }) => form))(
    "the wait that is asked for by %s is kept, or said where it is too long",
    async (form) => {
      const { soon, late = {} } = hintsOf(wire).find((each) => each.form === form) ?? {};
      for (const fails of ["rate_limit", "overloaded"] as const) {
        const talk = host.talk(wire, [
          ...(soon ? [failing(fails, soon), answer("After all.")] : []),
          ...(fails === "rate_limit" || !isOfLimits(late) ? [failing(fails, late)] : []),
        ]);
        if (soon) {
          expect((await talk.turn("look")).at(-1)).toMatchObject(end("end_turn"));
          const [wait = 0] = waits(talk);
          if (fails === "rate_limit" || !isOfLimits(soon)) expect(wait).toBeGreaterThanOrEqual(30);
          else expect(wait).toBeLessThan(30);
        }
        if (fails === "rate_limit" || !isOfLimits(late)) {
          const last = (await talk.turn("again")).at(-1);
          expect(last).toMatchObject(
            failed(fails, { message: expect.stringMatching(/asks to wait (2|1\.9) h, until .*\d\d:\d\d,/) }),
          );
          expect(last).toHaveProperty("error.retryAfterMs", expect.closeTo(7_200_000, -5));
        }
        talk.expectTaken();
      }
    },
  );
});

type Hint = Omit<Failure, "fails">;

/** Returns whether the hint is about exhausted limits, which are no reason to wait if the server itself is at fault. */
const isOfLimits = ({ headers = {} }: Hint) => Object.keys(headers).some((name) => name.includes("ratelimit"));

/** Returns each vendor's ways to say how long to wait: a short time, and two hours. A date has no milliseconds, so it has no short form. */
function hintsOf({ wire }: TriedWire): { form: string; soon?: Hint; late: Hint }[] {
  const inTwoHours = () => new Date(Date.now() + 7_200_000);
  if (wire === "gemini") return [{ form: "RetryInfo", soon: hint({ body: "0.03s" }), late: hint({ body: "7200s" }) }];
  const headers = (given: Record<string, string>): Hint => ({ headers: given });
  const shared = [
    { form: "seconds", soon: hint({ seconds: 0.03 }), late: hint({ seconds: 7200 }) },
    { form: "milliseconds", soon: hint({ milliseconds: 30 }), late: hint({ milliseconds: 7_200_000 }) },
    { form: "a date", late: hint({ date: inTwoHours() }) },
  ];
  if (wire === "messages")
    return [
      ...shared,
      {
        form: "anthropic-ratelimit-…-reset",
        late: headers({
          "anthropic-ratelimit-input-tokens-remaining": "0",
          "anthropic-ratelimit-input-tokens-reset": inTwoHours().toISOString(),
        }),
      },
    ];
  const reset = (of: string, time: string) =>
    headers({ [`x-ratelimit-remaining-${of}`]: "0", [`x-ratelimit-reset-${of}`]: time });
  return [
    ...shared,
    { form: "x-ratelimit-reset-tokens", soon: reset("tokens", "30ms"), late: reset("tokens", "2h0m0s") },
    { form: "x-ratelimit-reset-requests", soon: reset("requests", "30ms"), late: reset("requests", "120m") },
  ];
}

function hint(retryAfter: Failure["retryAfter"]): Hint {
  return { retryAfter };
}
