/** Another configuration for a host that runs: its servers come, go and change, and no turn is touched. */
import { isDeepStrictEqual } from "node:util";
import type { LoadedConfig } from "../config/load.js";
import { type FileContents, FileWatch } from "../config/watch.js";
import type { Config, ServerConfig } from "../core/config.js";
import { ConfigError } from "../core/errors.js";
import { type ConfigSource, findSource, findUnconfirmed, type GlobalOptions, load } from "./configuration.js";

/** What came of reading the files again. */
interface Outcome {
  level: "info" | "warn";
  text: string;
}

interface ReloadParts {
  flags: GlobalOptions;
  source: ConfigSource;
  /** What the files said at the start. */
  read: LoadedConfig;
  /** What of it the host was started with. */
  loaded: LoadedConfig;
  /** The files, as they were then. */
  contents: FileContents;
  apply(servers: readonly ServerConfig[]): void;
}

export class Reload {
  readonly #parts: ReloadParts;
  /** What the host runs by. */
  #servers: readonly ServerConfig[];
  #files: readonly string[];
  #watch: FileWatch | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#servers = parts.loaded.config.mcpServers;
    this.#files = parts.loaded.files;
  }

  /** As the host runs them. */
  get servers(): readonly ServerConfig[] {
    return this.#servers;
  }

  /** Reads the files again whenever one of them changes, and says what came of it. Ends with the returned function. */
  watch(report: (outcome: Outcome) => void): () => void {
    const files = new FileWatch(this.#parts.contents, {
      changed: () => void this.#now().then(report),
      failed: (folder, { message }) =>
        report({ level: "warn", text: `changes in ${folder} are not noticed, /reload reads them: ${message}` }),
    });
    this.#watch = files;
    return () => files.close();
  }

  /** Reads the files again at once. What is wrong with them is in the text. */
  async now(): Promise<string> {
    return (await this.#now()).text;
  }

  /** One after the other. */
  #now(): Promise<Outcome> {
    const outcome = this.#last.then(() => this.#reload());
    this.#last = outcome;
    return outcome;
  }

  async #reload(): Promise<Outcome> {
    const { flags } = this.#parts;
    const source = this.#parts.source.file === undefined ? findSource(flags) : this.#parts.source;
    try {
      const read = await load(flags, source);
      const before = this.#servers;
      const running = before.filter(({ enabled, refusal }) => enabled && !refusal);
      const unconfirmed = await findUnconfirmed(read, { flags, source }, running);
      const after = (unconfirmed?.refused ?? read).config.mcpServers;
      this.#servers = after;
      if (!isDeepStrictEqual(read.files, this.#files)) this.#watch?.watch(read.files);
      this.#files = read.files;
      this.#parts.apply(after);
      const facts = [...differences(before, after), ...this.#needsRestart(read)];
      const text = `${read.file}: ${facts.join("; ") || "nothing has changed"}`;
      if (!unconfirmed?.servers.length) return { level: "info", text };
      const advice = `start the host anew and answer its question, or pass --trust-project or --config ${unconfirmed.file}`;
      const names = unconfirmed.servers.map(({ name }) => name).join(", ");
      return { level: "warn", text: `${text}; not started until you confirm them: ${names} (${advice})` };
    } catch (error) {
      const problem = error instanceof ConfigError ? error.message : String(error);
      return { level: "warn", text: `the servers stay as they are, because the configuration is broken: ${problem}` };
    }
  }

  #needsRestart({ config }: LoadedConfig): string[] {
    const isSame = isDeepStrictEqual(withoutServers(config), withoutServers(this.#parts.read.config));
    return isSame ? [] : ["other keys than mcpServers are as they were until the host starts anew"];
  }
}

function withoutServers(config: Config): object {
  return { ...config, mcpServers: [] };
}

function differences(before: readonly ServerConfig[], after: readonly ServerConfig[]): string[] {
  const nameOf = ({ name }: ServerConfig) => name;
  const old = new Map(before.map((server) => [server.name, server]));
  const kept = new Set(after.map(nameOf));
  const groups = {
    added: after.filter(({ name }) => !old.has(name)),
    changed: after.filter((server) => old.has(server.name) && !isDeepStrictEqual(old.get(server.name), server)),
    removed: before.filter(({ name }) => !kept.has(name)),
  };
  return Object.entries(groups).flatMap(([verb, servers]) =>
    servers.length > 0 ? [`${verb} ${servers.map(nameOf).join(", ")}`] : [],
  );
}
