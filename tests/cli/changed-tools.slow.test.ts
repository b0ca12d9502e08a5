import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";

let place: Workplace;
let llm: LlmServer;

beforeEach(async () => {
  place = new Workplace();
  // A host that offers a remembered definition refuses the first call if the tool has changed; the model then calls the new definition.
  llm = await startLlmServer(({ body }) => {
    const last = body.messages?.at(-1);
    const isDone = last?.role === "tool" && !String(last.content).includes("look at it again");
    return isDone ? answer("done") : toolCalls([{ name: "s__echo", arguments: { n: 1 } }]);
  });
  configure();
});

afterEach(async () => {
  place[Symbol.dispose]();
  await llm[Symbol.asyncDispose]();
});

/** Configures a server that approves its tool by itself, so that the tool runs without a question. */
function configure(service: object = {}): void {
  const s = fixtureServer({ toolsFile: join(place.folder, "tools.json") }, { tools: { auto_approve: ["echo"] } });
  place.configure(configFor(llm.url, { s }, { chat: { service } }));
}

function describeTool(description: string, properties: object = {}): void {
  const tool = { name: "echo", description, inputSchema: { type: "object", properties } };
  place.write("tools.json", JSON.stringify([tool]));
}

/** Runs once with the first definition of the tool, then changes the definition. */
async function redefine(): Promise<void> {
  describeTool("says it again");
  expect((await place.run(["run", "go"])).exitCode).toBe(0);
  describeTool("says it to everybody", { n: { type: "number" } });
}

describe("a tool that was redefined between two runs", () => {
  test("is denied in each run where nobody can be asked, and the message says what changed", async () => {
    await redefine();
    for (let runs = 0; runs < 2; runs++) {
      const { exitCode, stderr } = await place.run(["run", "go"]);
      expect(stderr).toMatch(/s\.echo was redefined: its description and parameters changed since \d{4}-\d\d-\d\d/);
      expect(stderr).toContain("--allow s__echo");
      expect(exitCode).toBe(6);
    }
  });

  test.each([["--yes"], ["--allow", "s.echo"]])("runs with %s %s for this run only", async (...flags) => {
    await redefine();
    expect((await place.run(["run", "go", ...flags])).exitCode).toBe(0);
    expect((await place.run(["run", "go"])).exitCode).toBe(6);
  });

  test("runs where the configuration accepts changed tools", async () => {
    await redefine();
    configure({ changed_tools: "allow" });
    expect((await place.run(["run", "go"])).exitCode).toBe(0);
  });

  test("runs without a question again after servers trust", async () => {
    await redefine();
    expect((await place.run(["servers"])).stdout).toContain("mcp-platform servers trust s");
    const trusted = await place.run(["servers", "trust", "s", "echo"]);
    expect(trusted.stdout).toMatch(/^s\.echo is trusted as it is now: its description and parameters changed since/);
    expect((await place.run(["servers", "trust", "s"])).stdout).toBe("s: nothing has changed\n");
    expect((await place.run(["run", "go"])).exitCode).toBe(0);
    expect((await place.run(["servers", "trust", "x"])).exitCode).toBe(2);
  });

  test("is asked about once: a yes holds for later runs, a no does not", async () => {
    await redefine();
    const answered = async (value: boolean) => {
      const child = place.start("stdio");
      const chat = { action: "chat", request_id: "r", payload: { text: "go" } };
      child.stdin?.write(`${JSON.stringify(chat)}\n`);
      let reason: string | undefined;
      for await (const line of linesOf(child.stdout)) {
        const { status, chunk } = JSON.parse(line);
        if (chunk.type === "question") {
          reason = chunk.data.reason;
          const payload = { question_id: chunk.data.question_id, value };
          child.stdin?.write(`${JSON.stringify({ action: "answer", request_id: "r", payload })}\n`);
        }
        if (status === "complete" || status === "error") child.stdin?.end();
      }
      return reason;
    };
    const reason = expect.stringContaining("s.echo was redefined: its description and parameters changed since");
    expect(await answered(false)).toEqual(reason);
    expect(await answered(true)).toEqual(reason);
    expect(await answered(true)).toBeUndefined();
    expect((await place.run(["run", "go"])).exitCode).toBe(0);
  });
});

async function* linesOf(stream: AsyncIterable<Buffer> | null): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of stream ?? []) {
    text += chunk;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}
