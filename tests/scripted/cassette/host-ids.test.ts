import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { textOf } from "../../../src/core/messages.js";
import { fixtureServer } from "../../support/app.js";
import { answer, chunk, startLlmServer, stream, toolCalls } from "../../support/llm-server.js";
import { temporaryFolder } from "../../support/mcp-hub.js";
import { taped } from "../../support/taped.js";

const resultId = /\bres_[0-9a-f]{32}\b/;

/** Returns a call of host__read_result whose streamed argument is split in the middle of the id. */
function readInPieces(id: string) {
  const json = JSON.stringify({ result_id: id, length: 7 });
  const piece = (text: string) => chunk({ tool_calls: [{ index: 0, function: { arguments: text } }] });
  const call = { index: 0, id: "call_read", type: "function", function: { name: "host__read_result", arguments: "" } };
  return stream([
    chunk({ tool_calls: [call] }),
    piece(json.slice(0, 30)),
    piece(json.slice(30)),
    chunk({}, "tool_calls"),
  ]);
}

test.each([true, false])(
  "a model that reads a stored result reads it on replay, where it has another id (streaming: %s)",
  async (streaming) => {
    using folder = temporaryFolder();
    const path = join(folder.path, "s.cassette.jsonl");
    await using llm = await startLlmServer((request) => {
      const last = request.body.messages?.at(-1);
      const id = resultId.exec(request.text)?.[0] ?? "";
      if (last?.role === "user") return toolCalls([{ name: "s__big", arguments: { bytes: 100_000 } }]);
      if (String(last?.content).includes(id)) {
        return streaming ? readInPieces(id) : toolCalls([{ name: "host__read_result", arguments: { result_id: id } }]);
      }
      return answer("done");
    });
    const providers = { test: { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789" } };
    const config = { llm: { active: "test", providers }, mcpServers: { s: fixtureServer() } };
    const session = { config, prompts: ["make it"], streaming, home: folder.path };
    const recorded = await taped({ path, mode: "record" }, session);
    const first = readFileSync(path, "utf8");
    expect(first).toContain("res_00000000000000000000000000000001");
    expect(first.match(/\bres_[0-9a-f]{32}\b/g)?.every((id) => id.endsWith("01"))).toBe(true);
    const played = await taped({ path, mode: "replay", strict: true }, session);
    expect([played.misses, played.problems]).toEqual([[], []]);
    expect(played.transcript).toBe(recorded.transcript);
    await taped({ path, mode: "record-missing" }, session);
    expect(readFileSync(path, "utf8")).toBe(first);
    const texts = played.events.flatMap((event) =>
      event.type === "tool_result" && event.name === "host__read_result" ? [textOf(event.content)] : [],
    );
    expect(texts).toHaveLength(1);
    expect(texts[0]).not.toContain("there is no result");
  },
);
