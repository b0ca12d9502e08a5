import { expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";

test("usage shows what turns of other processes used, as table, JSON and CSV, and refuses an invalid time", async () => {
  await using llm = await startLlmServer([toolCalls([{ name: "s__echo", arguments: { n: 1 } }]), answer("done")]);
  using place = new Workplace();
  const more = { chat: { storage: { path: "log.db" }, service: { approval: "auto" } } };
  const config = configFor(llm.url, { s: fixtureServer() }, more) as { llm: object };
  place.configure({ ...config, llm: { ...config.llm, prices: { m1: { input: 1000, output: 2000 } } } });
  expect((await place.run(["usage"])).stdout).toMatch(/^nothing was used from \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d\n$/);
  await place.run(["run", "--conversation", "c1", "go"]);
  const usage = async (...args: string[]) => (await place.run(["usage", ...args])).stdout;
  const { lines, total } = JSON.parse(await usage("--by", "model", "--format", "json", "--since", "1h"));
  expect(lines).toMatchObject([{ key: "test/m1", requests: 2, unpriced_requests: 0 }]);
  expect(total.usd).toBeCloseTo((total.input_tokens * 1000 + total.output_tokens * 2000) / 1_000_000);
  expect(await usage("--by", "tool", "--format", "csv")).toMatch(/^tool,calls,errors,[^\r]*\r\ns__echo,1,0,/);
  expect(await usage("--by", "conversation")).toMatch(/\nc1 +2 .*█\ntotal +2 /);
  expect(await usage("--since", "2026-01-01", "--until", "2026-01-02")).toContain("nothing was used");
  expect(await place.run(["usage", "--since", "2026-02-30"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("a day like 2026-11-25 or a duration like 7d is expected"),
  });
});
