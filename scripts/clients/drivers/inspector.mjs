/** The MCP Inspector on the command line: a process for each call of the host's tool `chat`, over stdio or HTTP. */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { drive } from "./drive.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { BASE_URL: baseUrl, API_KEY: apiKey, CONFIG: config, HOST: host } = process.env;
let conversation;

async function answer(messages, target) {
  const program = join(here, "node_modules/.bin/mcp-inspector");
  const given = [`prompt=${messages.at(-1).content}`, ...(conversation ? [`conversation_id=${conversation}`] : [])];
  const call = ["--method", "tools/call", "--tool-name", "chat", "--tool-arg", ...given];
  const { stdout } = await promisify(execFile)(process.execPath, [program, "--cli", ...target, ...call]).catch(
    (error) => error,
  );
  const { content, structuredContent, isError } = JSON.parse(stdout.slice(stdout.indexOf("{")));
  const text = content.map((part) => part.text).join("");
  if (isError) throw new Error(text);
  conversation = structuredContent.conversation_id;
  return text;
}

await drive({
  stdio: (messages) => answer(messages, [process.execPath, host, "mcp", "-e", `MCP_PLATFORM_CONFIG=${config}`]),
  http: (messages) =>
    answer(messages, [
      baseUrl.replace(/v1$/, "mcp"),
      "--transport",
      "http",
      "--header",
      `Authorization: Bearer ${apiKey}`,
    ]),
});
