import { expect, test } from "@jest/globals";
import { ProtocolError } from "@modelcontextprotocol/client";
import { ChangeStream } from "../../src/mcp/protocol/change-stream.js";

test("the stream of changes is closed while nothing is wanted, and opened again when something is", async () => {
  const streams: string[] = [];
  let next = () => {};
  const happened = () =>
    new Promise<void>((resolve) => {
      next = resolve;
    });
  const note = (line: string) => {
    streams.push(line);
    next();
  };
  const client: ConstructorParameters<typeof ChangeStream>[0] = {
    async listen(filter) {
      note(`open ${JSON.stringify(filter)}`);
      return {
        honoredFilter: filter,
        closed: new Promise(() => {}),
        async close() {
          note(`close ${JSON.stringify(filter)}`);
        },
      };
    },
  };
  const stream = new ChangeStream(client, { signal: new AbortController().signal, failed() {}, resumed() {} });
  const wanted = { resourceSubscriptions: ["test:a"] };
  for (const [change, line] of [
    [() => stream.follow(wanted), "open"],
    [() => stream.unfollow("test:a"), "close"],
    [() => stream.follow(wanted), "open"],
  ] as const) {
    const happens = happened();
    change();
    await happens;
    expect(streams.at(-1)).toBe(`${line} ${JSON.stringify(wanted)}`);
  }
  expect(streams.length).toBe(3);
});

test("a resource for which the server refuses the first stream does not keep it from opening", async () => {
  const failures: string[] = [];
  const opened = new Promise((resolve) => {
    const client: ConstructorParameters<typeof ChangeStream>[0] = {
      async listen(filter) {
        if (filter.resourceSubscriptions?.includes("test:bad")) throw new ProtocolError(-32602, "no such resource");
        resolve(filter);
        return { honoredFilter: filter, closed: new Promise(() => {}), async close() {} };
      },
    };
    const failed = ({ message }: Error) => {
      failures.push(message);
      stream.follow({ resourceSubscriptions: ["test:good"] });
    };
    const stream = new ChangeStream(client, { signal: new AbortController().signal, failed, resumed() {} });
    stream.follow({ resourceSubscriptions: ["test:bad"] });
  });
  expect(await opened).toEqual({ resourceSubscriptions: ["test:good"] });
});
