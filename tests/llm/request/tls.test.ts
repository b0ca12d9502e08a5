import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Certificates, canMakeCertificates, makeCertificates } from "../../support/certificates.js";
import { llmConfig } from "../../support/llm-config.js";
import { answer, failure, startLlmServer } from "../../support/llm-server.js";
import { clientOf, clientWith } from "../client-of.js";

const hasOpenssl = canMakeCertificates();
const withTls = hasOpenssl ? describe : describe.skip;
if (!hasOpenssl) process.stderr.write("no openssl command: the tests of llm.http.ca_file are SKIPPED\n");

withTls("llm.http.ca_file", () => {
  let ours: Certificates;
  let theirs: Certificates;
  let folder: string;
  beforeAll(() => {
    ours = makeCertificates();
    theirs = makeCertificates();
    folder = mkdtempSync(join(tmpdir(), "ca-file-"));
  });
  afterAll(() => {
    ours[Symbol.dispose]();
    theirs[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });
  const fileWith = (text: string) => {
    const file = join(folder, "authorities.pem");
    writeFileSync(file, text);
    return file;
  };

  test("is trusted, over one connection", async () => {
    await using server = await startLlmServer(() => answer("hello"), ours);
    await using ends = clientOf(server, { caFile: ours.caFile });
    for (let count = 0; count < 5; count++) await ends.ask({ streaming: count % 2 === 0 });
    expect(server).toMatchObject({ connections: 1, handshakes: 1 });
  });

  test("may hold several authorities, and is read once", async () => {
    const caFile = fileWith(`# two of them\n${theirs.ca}\n${ours.ca}`);
    await using server = await startLlmServer(() => answer("hello"), ours);
    await using ends = clientOf(server, { caFile, maxKeepaliveConnections: 0 });
    await ends.ask({ streaming: true });
    rmSync(caFile);
    await ends.ask({ streaming: true });
    expect(server.handshakes).toBe(2);
  });

  test("makes the host refuse a server of another authority, once, with the key to set", async () => {
    await using server = await startLlmServer([], theirs);
    await using ends = clientOf(server, { caFile: ours.caFile });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "connect", attempts: 1, retryable: false });
    expect(error.hint).toContain("llm.http.ca_file");
    expect(server.handshakes).toBe(0);
  });

  test("does not make a certificate valid for another name", async () => {
    using others = makeCertificates("DNS:api.example.com");
    await using server = await startLlmServer([], others);
    await using ends = clientOf(server, { caFile: others.caFile });
    expect(await ends.fails({ streaming: true })).toMatchObject({ kind: "connect", attempts: 1, retryable: false });
  });

  test("leaves NODE_EXTRA_CA_CERTS in force", async () => {
    await using server = await startLlmServer([answer("hello")], theirs);
    const config = llmConfig(server.url, { caFile: ours.caFile });
    await using ends = clientWith(config, { NODE_EXTRA_CA_CERTS: theirs.caFile });
    await ends.ask({ streaming: true });
  });

  test("is not needed for NODE_EXTRA_CA_CERTS", async () => {
    await using server = await startLlmServer([answer("hello")], ours);
    const script = `
      import { LlmClient } from "./dist/llm/client.js";
      const client = new LlmClient(${JSON.stringify(llmConfig(server.url))}, { env: {}, observe: () => {} });
      const messages = [{ role: "user", content: [{ type: "text", text: "hi" }] }];
      const { message } = await client.complete({ messages, tools: [] }, { streaming: true });
      process.stdout.write(message.content);
      await client.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: ours.caFile },
    });
    expect(stdout).toBe("hello");
  });

  test.each<[string, () => string, RegExp]>([
    ["that is not there", () => join(folder, "nowhere.pem"), /nowhere\.pem\) cannot be used: .*ENOENT/],
    [
      "that holds something else",
      () => fileWith("hello"),
      /authorities\.pem\) cannot be used: it holds no certificate/,
    ],
    [
      "that is broken",
      () => fileWith(`${ours.ca}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`),
      /authorities\.pem\) cannot be used: ./,
    ],
  ])("%s is an error that names it, every time and not only at first", async (_name, file, said) => {
    await using ends = clientOf({ url: "https://127.0.0.1:9/v1" }, { caFile: file() });
    for (let count = 0; count < 2; count++) {
      const error = await ends.fails({ streaming: true });
      expect(error).toMatchObject({ kind: "bad_request", retryable: false });
      expect(error.message).toMatch(/^llm\.http\.ca_file \(/);
      expect(error.message).toMatch(said);
      expect(error.hint).toContain("llm.http.ca_file");
    }
  });
});

describe("a redirect", () => {
  const page = "<html><title>301 Moved Permanently</title></html>";

  test.each([301, 302, 303, 307, 308])(
    "%i is not followed, and says where it leads without the query",
    async (status) => {
      await using elsewhere = await startLlmServer([]);
      const location = `${elsewhere.url}/chat/completions?token=hidden#part`;
      await using server = await startLlmServer([
        failure(status, { body: page, headers: { location } }),
        failure(status, { body: page, headers: { location } }),
      ]);
      await using ends = clientOf(server);
      for (const streaming of [true, false]) {
        const error = await ends.fails({ streaming });
        expect(error).toMatchObject({ kind: "redirect", status, attempts: 1, retryable: false });
        expect(error.message).toBe(`test/m1: error ${status}: redirects to ${elsewhere.url}/chat/completions`);
        expect(error.hint).toContain("llm.providers.test.base_url");
      }
      expect(elsewhere.connections).toBe(0);
    },
  );

  test.each([
    ["/login?next=%2Fv1", "/login"],
    ["//user:secret@sso.example.com/start", "http://sso.example.com/start"],
    ["http://[", "nowhere"],
  ])("to %s leads to %s", async (location, place) => {
    await using server = await startLlmServer([failure(302, { body: "", headers: { location } })]);
    await using ends = clientOf(server);
    const where = place.startsWith("/") ? `${new URL(server.url).origin}${place}` : place;
    expect((await ends.fails({ streaming: true })).message).toBe(`test/m1: error 302: redirects to ${where}`);
  });
});
