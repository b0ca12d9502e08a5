/** A hand-written MCP server on stdio, ready after `process.argv[2]` milliseconds. */
import { answerTo } from "./mcp.mjs";

setTimeout(serve, Number(process.argv[2] ?? 0));

function serve() {
  let rest = "";
  process.stdin.setEncoding("utf8").on("data", (data) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line !== "") answerTo(line, (said) => process.stdout.write(`${said}\n`));
  });
}
