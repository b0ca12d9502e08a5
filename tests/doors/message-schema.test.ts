import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseMessage } from "../../src/doors/protocol/incoming.js";
import { messageSchemas } from "../../src/doors/protocol/message-schema.js";
import { actions, clientMessage, payloadOf } from "../support/client-messages.js";
import { runs } from "../support/runs.js";
import { isClientMessage, isExactHostMessage, isHostMessage } from "../support/schemas/message-schemas.js";

describe("the schema of the messages", () => {
  test("accepts what the parser accepts, and nothing else", () => {
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(clientMessage, (made) => {
        const line = JSON.stringify(made);
        const isTaken = !("problem" in parseMessage(line));
        seen[isTaken ? "taken" : "refused"]++;
        expect([line, isClientMessage(JSON.parse(line))]).toEqual([line, isTaken]);
      }),
      { seed: 20261125, numRuns: runs(20_000) },
    );
    expect(seen.taken).toBeGreaterThan(runs(2000));
    expect(seen.refused).toBeGreaterThan(runs(2000));
  });

  test.each(actions)(
    "lets %s through with all of its fields, and says what is missing without one that it needs",
    (action) => {
      const values: Record<string, unknown> = {
        arguments: { who: "Ann" },
        from: 1,
        streaming: true,
        follow: true,
        interrupt: false,
        seen: { seq: 1, turn_id: "t1" },
        temperature: 0.5,
        effort: "low",
        without_tools: ["fs__*"],
      };
      const { properties, required = [] } = payloadOf(action);
      const keys = Object.keys(properties).filter((key) => key !== "template" && key !== "content"); // others stand in their place
      const all = Object.fromEntries(keys.map((key) => [key, values[key] ?? "x"]));
      const line = (fields: object) => JSON.stringify({ action, request_id: "r1", payload: fields });
      expect(parseMessage(line(all))).toMatchObject({ action, requestId: "r1" });
      for (const key of required) {
        const { [key]: _, ...rest } = all;
        expect(parseMessage(line(rest))).toEqual({ problem: `"payload.${key}" is missing`, requestId: "r1" });
      }
    },
  );

  test("tells the host's messages apart by status and chunk type", () => {
    const text = { request_id: "r1", seq: 2, status: "chunk", chunk: { type: "text", data: "hi" } };
    expect(isHostMessage(text)).toBe(true);
    for (const wrong of [
      { ...text, chunk: { type: "smell", data: "hi" } },
      { ...text, chunk: { type: "text", data: 1 } },
      { ...text, chunk: { type: "text" } },
      { ...text, status: "complete" },
      { ...text, status: "done" },
      { ...text, request_id: undefined },
      { request_id: "r1", status: "error", chunk: { error: "no" } },
    ]) {
      expect([wrong, isHostMessage(JSON.parse(JSON.stringify(wrong)))]).toEqual([wrong, false]);
    }
  });

  test("lets a client ignore what a later host adds, which the tests of this host do not", () => {
    const more = { request_id: "r1", status: "chunk", chunk: { type: "tool_sent", data: { id: "x", shiny: 1 } } };
    expect([isHostMessage(more), isExactHostMessage(more)]).toEqual([true, false]);
    const outside = { request_id: "r1", status: "chunk", shiny: 1, chunk: { type: "tool_sent", data: { id: "x" } } };
    expect([isHostMessage(outside), isExactHostMessage(outside)]).toEqual([true, false]);
    const metadata = { shiny: 1 };
    const inside = { request_id: "r1", status: "chunk", chunk: { type: "tool_sent", data: { id: "x" }, metadata } };
    expect([isHostMessage(inside), isExactHostMessage(inside)]).toEqual([true, false]);
  });

  test("has no dead references, wherever a document keeps it", () => {
    const schemas = messageSchemas("#/components/schemas/");
    const places = [...JSON.stringify(schemas).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, at]) => at,
    );
    expect(places.length).toBeGreaterThan(40);
    expect(places.filter((at) => !at || !(at in schemas))).toEqual([]);
  });
});
