import { expect, test } from "@jest/globals";
import { readPasted } from "../../../src/config/import/pasted-servers.js";

const surroundings = { platform: "linux" as const, env: {}, home: "/home/me", cwd: "/work" };
const read = (text: string) => readPasted(text, surroundings);
const one = (text: string) => {
  const [server] = read(text);
  return server && { [server.name]: server.entry };
};

const npx = (...args: string[]) => ({ command: "npx", args: ["-y", ...args] });

test.each<[string, object]>([
  [
    "npx -y @modelcontextprotocol/server-filesystem /tmp",
    { filesystem: npx("@modelcontextprotocol/server-filesystem", "/tmp") },
  ],
  ["$ npx -y foo-mcp@1.2.3", { foo: npx("foo-mcp@1.2.3") }],
  [
    `API_KEY=abc LABEL='two words' npx -y "@acme/mcp server" --note="it is \\"so\\""`,
    { "mcp-server": { ...npx("@acme/mcp server", '--note=it is "so"'), env: { API_KEY: "abc", LABEL: "two words" } } },
  ],
  [
    "env TOKEN=$TOKEN uvx mcp-server-time",
    { time: { command: "uvx", args: ["mcp-server-time"], env: { TOKEN: "${TOKEN}" } } },
  ],
  ["npx -y x \\\n  --dir ~/notes '${LITERAL}'", { x: npx("x", "--dir", "${HOME}/notes", "$${LITERAL}") }],
  [
    "docker run -i --rm -e GITHUB_TOKEN ghcr.io/github/github-mcp-server",
    {
      github: {
        command: "docker",
        args: ["run", "-i", "--rm", "-e", "GITHUB_TOKEN", "ghcr.io/github/github-mcp-server"],
      },
    },
  ],
  ["node /opt/weather/dist/index.js", { weather: { command: "node", args: ["/opt/weather/dist/index.js"] } }],
  ["C:\\tools\\files.exe --all", { files: { command: "C:\\tools\\files.exe", args: ["--all"] } }],
  ["npx -y mcp-remote https://mcp.linear.app/sse", { linear: npx("mcp-remote", "https://mcp.linear.app/sse") }],
  ["https://mcp.linear.app/mcp?a=1&b=2", { linear: { url: "https://mcp.linear.app/mcp?a=1&b=2" } }],
  ["http://localhost:3000/mcp", { localhost: { url: "http://localhost:3000/mcp" } }],
  ["claude mcp add -e KEY=v -s user notes -- npx -y notes-mcp", { notes: { ...npx("notes-mcp"), env: { KEY: "v" } } }],
  [
    'claude mcp add --transport http hub https://hub.example/mcp --header "X-Team: blue"',
    { hub: { type: "http", url: "https://hub.example/mcp", headers: { "X-Team": "blue" } } },
  ],
  ["claude mcp add notes npx -y notes-mcp --env dev", { notes: npx("notes-mcp", "--env", "dev") }],
  ["codex mcp add notes --env=K=v -- npx -y notes-mcp", { notes: { ...npx("notes-mcp"), env: { K: "v" } } }],
  ["mcp-platform servers add files -- npx -y x", { files: npx("x") }],
])("a command line or URL is read: %s", (text, expected) => {
  expect(one(text)).toEqual(expected);
});

const entry = { command: "npx", args: ["-y", "x"], env: { A: "${A}" } };

test.each<[string, string]>([
  ["mcpServers", JSON.stringify({ mcpServers: { s: entry } }, null, 2)],
  ["servers", JSON.stringify({ servers: { s: { type: "stdio", ...entry, env: { A: "${env:A}" } } } })],
  ["a mapping of entries", JSON.stringify({ s: entry })],
  ["a fragment with a comma behind it", `"s": ${JSON.stringify(entry)},`],
  ["a fragment that begins higher up", `"mcpServers": { "s": ${JSON.stringify(entry)} }`],
  ["an entry that says its name", JSON.stringify({ name: "s", ...entry })],
  [
    "comments and trailing commas",
    `{ // mine\n "s": { "command": "npx", "args": ["-y", "x",], "env": {"A": "\${A}"}, } }`,
  ],
  ["a fence of Markdown", `\`\`\`json\n${JSON.stringify({ s: entry })}\n\`\`\``],
  ["YAML", 'mcpServers:\n  s:\n    command: npx\n    args: [-y, x]\n    env: { A: "${A}" }\n'],
  [
    "opencode",
    JSON.stringify({ mcp: { s: { type: "local", command: ["npx", "-y", "x"], environment: { A: "{env:A}" } } } }),
  ],
])("a configuration is read: %s", (_, text) => {
  expect(one(text)).toEqual({ s: entry });
});

test("Codex's TOML is read, and all servers of a text", () => {
  expect(one('[mcp_servers.s]\ncommand = "npx"\nargs = ["-y", "x"]\n')).toEqual({
    s: { command: "npx", args: ["-y", "x"] },
  });
  expect(read(JSON.stringify({ mcpServers: { a: entry, b: { url: "http://b/" } } })).map(({ name }) => name)).toEqual([
    "a",
    "b",
  ]);
});

test("a bare entry gets a name of its own", () => {
  expect(one(JSON.stringify(entry))).toEqual({ x: entry });
  expect(one('{"url": "https://api.githubcopilot.com/mcp/"}')).toEqual({
    githubcopilot: { url: "https://api.githubcopilot.com/mcp/" },
  });
});

test("an entry of this host stays as it is, and what another host lets run unasked is noted", () => {
  const own = { command: "x", timeout: "30s", tools: { deny: ["move_*"] } };
  expect(one(JSON.stringify({ own }))).toEqual({ own });
  const [server] = read(JSON.stringify({ s: { command: "x", autoApprove: ["*"], description: "d" } }));
  expect(server).toMatchObject({ entry: { command: "x" }, notes: [expect.stringContaining("autoApprove")] });
});

test.each([
  ["", "it is empty"],
  ['{"mcpServers": {"s": {"command": "x"', "line 1, column 37: not valid JSON"],
  ['{"hello": 1}', "no MCP servers in a shape that is known here"],
  ['{"mcpServers": {}}', "it has no servers"],
  ["npx -y x | tee log", "only a shell understands |"],
  ["npx -y x && rm -rf /", "only a shell understands &"],
  ["npx -y $(cat key)", "only a shell understands"],
  ["npx 'open", "a quotation mark is open"],
  ["npx -y x\nnpx -y y", "it has several lines"],
  ["A=1", "there is no command in it"],
  ["claude mcp add --scop user x -- y", "the option --scop is not known"],
  ["claude mcp add x", "a name and a command or URL are missing"],
  ['{"mcpServers": {"me": {"command": "mcp-platform", "args": ["mcp"]}}}', "it is this program itself"],
])("what cannot be read is refused with the reason: %s", (text, reason) => {
  expect(() => read(text)).toThrow(reason);
});
