import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { type Ended, ended } from "../../support/cli.js";

/** The fixture of each tool, and its path on Linux below the home or the project. */
export const files = {
  "claude-desktop": ["claude-desktop.json", "home/.config/Claude/claude_desktop_config.json"],
  "claude-code": ["claude-code.json", "home/.claude.json"],
  cursor: ["cursor.json", "project/.cursor/mcp.json"],
  vscode: ["vscode.json", "project/.vscode/mcp.json"],
  gemini: ["gemini.json", "home/.gemini/settings.json"],
  codex: ["codex.toml", "home/.codex/config.toml"],
  opencode: ["opencode.jsonc", "project/opencode.jsonc"],
  goose: ["goose.yaml", "home/.config/goose/config.yaml"],
  zed: ["zed.json", "home/.config/zed/settings.json"],
  kit: ["kit.yml", "home/.kit.yml"],
  original: ["original.json", "project/src/servers_config.json"],
} as const;

/** Values of the variables in the fixtures. BILLING_KEY and others are not set. */
const variables = {
  DOCS_TOKEN: "docs-token-0123456789",
  MCP_PLATFORM_INPUT_DOCS_TOKEN: "typed-token-0123456789",
  REGION: "eu",
};

/** A user's home with the configuration of a tool, and the project that is the working directory. */
export class Machine implements Disposable {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "import-")));
  readonly #servers: Readonly<Record<string, string>>;

  /** `servers`: host and port of the remote servers. */
  constructor(servers: Readonly<Record<"HTTP_SERVER" | "SSE_SERVER", string>>) {
    this.#servers = servers;
    this.write("project/.env.team", "FROM_FILE=yes\n");
    mkdirSync(join(this.folder, "home"));
    symlinkSync(resolve("tests/support"), join(this.project, "support"));
  }

  get project(): string {
    return join(this.folder, "project");
  }

  get environment(): Record<string, string | undefined> {
    return { PATH: process.env.PATH, HOME: join(this.folder, "home"), ...variables };
  }

  install(tool: keyof typeof files): string {
    const [fixture, path] = files[tool];
    const text = readFileSync(join("tests/config/import/fixtures", fixture), "utf8");
    return this.write(path, this.filled(text));
  }

  write(path: string, text: string): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  filled(text: string): string {
    const places = {
      "/SERVERS": resolve("node_modules/@modelcontextprotocol"),
      "/FOLDER": this.project,
      ...this.#servers,
    };
    return Object.entries(places).reduce((rest, [name, value]) => rest.replaceAll(name, value), text);
  }

  /** Replaces the paths and addresses of this machine by the names that the fixtures use. */
  general(text: string): string {
    const places = {
      "/SERVERS": resolve("node_modules/@modelcontextprotocol"),
      "/FOLDER": this.project,
      "/HOME": join(this.folder, "home"),
      ...this.#servers,
    };
    return Object.entries(places).reduce((rest, [name, value]) => rest.replaceAll(value, name), text);
  }

  run(...args: string[]): Promise<Ended> {
    const child = spawn(process.execPath, [resolve("dist/main.js"), ...args], {
      cwd: this.project,
      env: this.environment,
    });
    return ended(child, "");
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
