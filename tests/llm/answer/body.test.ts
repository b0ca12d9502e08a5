import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { drain } from "../../../src/llm/connection/read-body.js";

test("the end of an answer that is there already is seen, however long the process was busy meanwhile", async () => {
  let end = () => {};
  const server = createServer((_, response) => {
    response.write("all of it");
    end = () => void response.end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const response = await new Promise<IncomingMessage>((resolve) => get({ port, host: "127.0.0.1" }, resolve));
  const drained = drain(response);
  end();
  for (const startedAt = performance.now(); performance.now() - startedAt < 50; );
  await drained;
  expect(response.readableEnded).toBe(true);
  server.close();
});
