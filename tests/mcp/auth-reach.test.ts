import { describe, expect, test } from "@jest/globals";
import { Reach } from "../../src/mcp/auth/reach.js";
import { browse, guarded, logins, newFolder } from "../support/logins.js";
import { oauthServer } from "../support/oauth-server.js";

const names: Record<string, string> = {
  "mcp.example": "203.0.113.5",
  "login.example": "203.0.113.6",
  "inside.example": "10.1.2.3",
  localhost: "127.0.0.1",
};

const resolve = async (name: string) => {
  const address = names[name];
  if (!address) throw new Error("ENOTFOUND");
  return [{ address }];
};

const far = "https://mcp.example/mcp";
const near = "http://localhost:3000/mcp";

describe("the way to a token", () => {
  test.each([
    [far, "https://login.example/token"],
    [far, "https://mcp.example/token"],
    [far, "https://nowhere.example/token"],
    [far, "https://[64:ff9b::cb00:7106]/token"],
    [far, "https://[64:ff9b::ac20:1]/token"],
    ["http://mcp.example/mcp", "http://mcp.example/token"],
    [near, "http://127.0.0.1:4000/token"],
    [near, "http://inside.example/token"],
    [near, "https://login.example/token"],
  ])("of %s may lead to %s", async (server, url) => {
    await expect(new Reach(server, [], resolve).check(new URL(url))).resolves.toBeUndefined();
  });

  test.each([
    [far, "http://login.example/token", "not https"],
    [far, "https://127.0.0.1/token", "own network"],
    [far, "https://2130706433/token", "own network"],
    [far, "https://[::1]/token", "own network"],
    [far, "https://[::ffff:10.0.0.1]/token", "own network"],
    [far, "https://[fd00::1]/token", "own network"],
    [far, "https://[fec0::1]/token", "own network"],
    [far, "https://[2002:7f00:1::]/token", "own network"],
    [far, "https://[64:ff9b::7f00:1]/token", "own network"],
    [far, "https://[64:ff9b::ac1f:fffe]/token", "own network"],
    [far, "https://[64:ff9b::c0a8:101]/token", "own network"],
    [far, "http://169.254.169.254/latest/meta-data", "own network"],
    [far, "https://inside.example/token", "own network"],
    [far, "https://localhost/token", "own network"],
    [far, "file:///etc/passwd", "not https"],
    [near, "http://login.example/token", "not https"],
    [near, "javascript:alert(1)", "not https"],
  ])("of %s may not lead to %s", async (server, url, reason) => {
    await expect(new Reach(server, [], resolve).check(new URL(url))).rejects.toThrow(reason);
  });

  test("may lead to any address that the user has configured", async () => {
    const reach = new Reach(far, ["https://inside.example/idp"], resolve);
    await expect(reach.check(new URL("https://inside.example/token"))).resolves.toBeUndefined();
  });

  test("is left if it leads to a refused address", async () => {
    const seen: unknown[] = [];
    const send = new Reach(far, [], resolve).guarded(async (url) => {
      seen.push(url);
      return new Response();
    });
    await expect(send("https://inside.example/secret")).rejects.toThrow("own network");
    expect(seen).toEqual([]);
  });
});

const resourcePath = "/.well-known/oauth-protected-resource/mcp";
const issuerPath = "/.well-known/oauth-authorization-server";

test.each(["/mcp", resourcePath, issuerPath, "/register", "/token"])(
  "a redirect of %s to another origin is not followed during a login",
  async (path) => {
    await using other = await oauthServer();
    await using server = await oauthServer({ redirects: { [path]: `${other.issuer}${path}` } });
    await logins(guarded(server), newFolder(), browse)
      .login("r")
      .catch(() => {});
    expect(other.seen).toEqual([]);
  },
);

test("redirects within the origin are followed during a login", async () => {
  const paths = ["/mcp", resourcePath, issuerPath, "/register", "/token"];
  const redirects = Object.fromEntries(paths.map((path) => [path, `${path}?moved`]));
  await using server = await oauthServer({ redirects });
  const status = await logins(guarded(server), newFolder(), browse).login("r");
  expect(status).toContain(`logged in at ${server.issuer}`);
  expect(server.seen).toContain("POST /mcp ping");
});

test("an answer on the way to a token is read up to 1 MB", async () => {
  const piece = new Uint8Array(1024).fill(97);
  const answer = (pieces: number) => async () => {
    let left = pieces;
    const pull = (controller: ReadableStreamDefaultController) => {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    };
    return new Response(new ReadableStream({ pull }));
  };
  const send = (pieces: number) =>
    new Reach(far, [], resolve).guarded(answer(pieces))("https://login.example/metadata");
  await expect(send(Number.POSITIVE_INFINITY)).rejects.toThrow("its answer is longer than 1 MB");
  expect((await (await send(1024)).text()).length).toBe(1024 * 1024);
});

test.each([
  ["does not say that it supports PKCE", { code_challenge_methods_supported: undefined }, "PKCE"],
  ["has no metadata that could say so", null, "its authorization server publishes no metadata"],
])("a login is refused at a server that %s, before anything is registered there", async (_, metadata, reason) => {
  await using server = await oauthServer({ metadata });
  await expect(logins(guarded(server), newFolder(), browse).login("r")).rejects.toThrow(reason);
  expect(server.seen.filter((line) => /authorize|register|token/.test(line))).toEqual([]);
});

test("client credentials, which need no PKCE, are also accepted by a server without metadata", async () => {
  await using server = await oauthServer({ metadata: null, resourceMetadata: false });
  const oauth = { grant: "client_credentials", clientId: "c1", clientSecret: "s3cr3t-0123456789" } as const;
  expect(await logins(guarded(server, oauth), newFolder()).login("r")).toContain("logged in at");
});

test("a server of MCP 2025-03-26 without any metadata gets a login with PKCE at the fixed addresses of its origin", async () => {
  await using server = await oauthServer({ metadata: null, resourceMetadata: false });
  expect(await logins(guarded(server), newFolder(), browse).login("r")).toContain("logged in at");
  expect(server.asked[0]?.get("code_challenge_method")).toBe("S256");
});
