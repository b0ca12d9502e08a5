import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type HttpServer, httpServer } from "../support/mcp-http.js";
import { driverUnderTest } from "../support/storages.js";
import { once } from "./doors/door.js";
import { doors } from "./doors/doors.js";
import { http } from "./doors/http.js";
import { library } from "./doors/library.js";
import { pipe } from "./doors/messages.js";
import { type Scenario, scenarios } from "./doors/scenarios.js";
import { comparable, played, types } from "./doors/stored.js";

/** One server for all hosts, which costs less than a process for each host. */
let tools: HttpServer;
beforeAll(async () => {
  tools = await httpServer({ failing: { oddly: { code: "E_SQL", message: "no such table" } } });
});
afterAll(async () => tools[Symbol.asyncDispose]());

/** Doors treat every log alike. So on PostgreSQL only the doors that use the log most are tried. */
const tried = driverUnderTest === "postgres" ? [pipe, http, library] : doors;

/**
 * Returns the cases of a scenario: every door, streamed and not. Where a door stores other events than the pipe, the name gives the reason.
 */
function waysThrough({ stored, needs, whole }: Scenario) {
  return tried.flatMap((door) => {
    const reason = needs && door.cannot?.[needs.ability];
    return [true, false].map((streaming) => {
      const name = `${door.name}, ${streaming ? "" : "not "}streamed`;
      if (needs && reason)
        return { name: `${name} (${reason})`, door, streaming, like: "instead", expected: needs.stored };
      if (whole && !streaming) {
        return { name: `${name} (${whole.because})`, door, streaming, like: "whole", expected: whole.stored };
      }
      return { name, door, streaming, like: "streamed", expected: stored };
    });
  });
}

describe.each(scenarios)("$name", (scenario) => {
  const { play, needs } = scenario;
  /** The reference events, stored through the pipe, and streamed unless the case is about whole answers. */
  const references = once((like) =>
    played(tools, pipe, scenario, like === "instead" && needs ? needs.instead : play, like !== "whole"),
  );

  test.each(waysThrough(scenario))("is stored as it should be through $name", async (way) => {
    const { door, streaming, like, expected } = way;
    const { stored, others, streamed } = await played(tools, door, scenario, play, streaming);
    expect(types(stored)).toEqual(expected);
    expect(others).toEqual([]);
    expect(new Set(streamed)).toEqual(new Set([streaming]));

    const reference = await references.of(like);
    const ownRequestIds = door.cannot?.["name requests"] !== undefined;
    for (const [name, events] of Object.entries(stored)) {
      const others = reference.stored[name] ?? [];
      expect(comparable(events, { ownRequestIds })).toEqual(comparable(others, { ownRequestIds }));
    }
  });
});
