import { expect, test } from "@jest/globals";
import { withProcesses } from "../../src/cluster/lost-state.js";
import type { ChatEvent } from "../../src/core/events.js";
import type { ToolHub } from "../../src/core/ports.js";

const hub = {
  transport: "http",
  processOf: (tool: string) => (tool === "s__echo" && hub.transport === "stdio" ? "s" : undefined),
};
const call = { id: "c1", name: "s__echo", arguments: "{}" };
const events: ChatEvent[] = [
  { type: "tool_call", turnId: "turn", call },
  { type: "tool_sent", turnId: "turn", callId: "c1" },
];
const sent = (all: readonly ChatEvent[], log: readonly ChatEvent[] = []) =>
  withProcesses(all, log as never, { hub: hub as unknown as ToolHub, nodeId: "here" }).at(-1);

test("a call names the process of this host that serves it, even when a configuration has just named its server", () => {
  hub.transport = "http";
  expect(sent(events)).not.toHaveProperty("process");
  hub.transport = "stdio";
  expect(sent(events)).toMatchObject({ process: { server: "s", nodeId: "here" } });
  expect(sent(events.slice(1), events)).toMatchObject({ process: { server: "s", nodeId: "here" } });
  expect(sent(events.slice(1))).not.toHaveProperty("process");
});
