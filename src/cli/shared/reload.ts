/** Applies a changed configuration to a running host. Turns that have begun keep the old configuration. */
import { isDeepStrictEqual } from "node:util";
import type { ChangedFile, ConfigLocation } from "../../config/edit/config-file.js";
import type { LoadedConfig } from "../../config/reading/load.js";
import { FileWatch } from "../../config/watch.js";
import type { Config, ServerConfig } from "../../core/config.js";
import { ConfigError } from "../../core/errors.js";
import type { FileTexts } from "../../core/source/source.js";
import { keyPath } from "../../core/source/tree.js";
import {
  type ConfigSource,
  editLocation,
  findAgain,
  findUnconfirmed,
  type GlobalOptions,
  load,
  missingFiles,
} from "./configuration.js";

interface ReloadOutcome {
  level: "info" | "warn";
  text: string;
}

interface ReloadParts {
  flags: GlobalOptions;
  source: ConfigSource;
  /** The configuration that was read from the files at the start. */
  read: LoadedConfig;
  /** The confirmed part of `read`. It is `read` itself if everything is confirmed. */
  loaded: LoadedConfig;
  host: {
    /** The configuration that the host uses now. */
    readonly config: Config;
    apply(config: Config): Promise<void>;
  };
}

export class Reload {
  readonly #parts: ReloadParts;
  #source: ConfigSource;
  /** The configuration that the files held at the last successful read, including its unconfirmed parts. */
  #reported: LoadedConfig;
  /** The last configuration that the user had confirmed completely. */
  #confirmed: LoadedConfig | undefined;
  #watch: FileWatch | undefined;
  #report: (outcome: ReloadOutcome) => void = () => {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#source = parts.source;
    this.#reported = parts.read;
    this.#confirmed = parts.loaded === parts.read ? parts.read : undefined;
  }

  /** Reads the files again whenever one of them changes, and passes the result to `report`. The returned function stops the watching. */
  watch(report: (outcome: ReloadOutcome) => void): () => void {
    this.#report = report;
    const files = new FileWatch(this.#filesOf(this.#parts.read), {
      changed: () => void this.#now().then(report),
      failed: (folder, { message }) =>
        report({ level: "warn", text: `changes in ${folder} are not noticed; /reload reads them: ${message}` }),
    });
    this.#watch = files;
    return () => files.close();
  }

  /** Reads the files again at once. Returns a text with the changes or the problems. */
  async now(): Promise<string> {
    return (await this.#now()).text;
  }

  /** The configuration that the files held at the last successful read, including its unconfirmed parts. */
  get read(): LoadedConfig {
    return this.#reported;
  }

  /** The files that changes of the configuration may be written to. The last is the user's own, which may not exist yet. */
  get locations(): ConfigLocation[] {
    const { file, isFound, base } = this.#source;
    return [editLocation({ file, isFound }), ...(isFound ? [editLocation({ file: base, isFound: false })] : [])];
  }

  /**
   * Changes a configuration file as its user wishes, and applies the change. If the user had confirmed all of the files before, the change
   * is confirmed too, because it is the user's own. Resolves with the change and with a warning if it is not in effect.
   */
  change<Changed extends ChangedFile>(edit: () => Promise<Changed>): Promise<{ changed: Changed; warning?: string }> {
    return this.#next(async () => {
      const before = await this.#confirmedFiles();
      const changed = await edit();
      const outcome = await this.#reload(before && withChange(before, changed));
      this.#report(outcome);
      return { changed, ...(outcome.level === "warn" && { warning: outcome.text }) };
    });
  }

  /** Returns the contents of the files if the user has confirmed all of them. */
  async #confirmedFiles(): Promise<FileTexts | undefined> {
    const { flags } = this.#parts;
    const source = findAgain(this.#source, flags);
    try {
      const read = await load(flags, source);
      const unconfirmed = await findUnconfirmed(read, { flags, source }, this.#known());
      return unconfirmed ? undefined : read.files;
    } catch (error) {
      if (error instanceof ConfigError) return undefined;
      throw error;
    }
  }

  /** Returns the parts of the configuration that the user has confirmed so far. */
  #known() {
    const { mcpServers } = this.#parts.host.config;
    return { servers: mcpServers.filter(({ enabled, refusal }) => enabled && !refusal), loaded: this.#confirmed };
  }

  /** Reads the files again, after any reload that is still running. */
  #now(): Promise<ReloadOutcome> {
    return this.#next(() => this.#reload());
  }

  /** Runs the work after any reload or change that is still running. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const outcome = this.#last.then(work);
    this.#last = outcome.catch(() => {});
    return outcome;
  }

  #filesOf({ files }: LoadedConfig): FileTexts {
    return new Map([...missingFiles(this.#source).map((path) => [path, undefined] as const), ...files]);
  }

  /** Reads and applies the files. They need no confirmation if their contents are `confirmed`. */
  async #reload(confirmed?: FileTexts): Promise<ReloadOutcome> {
    const { flags, host } = this.#parts;
    try {
      const source = findAgain(this.#source, flags);
      const read = await load(flags, source);
      this.#source = source;
      const before = host.config;
      const open = await findUnconfirmed(read, { flags, source }, this.#known());
      const isConfirmed = confirmed !== undefined && isDeepStrictEqual(read.files, confirmed);
      if (isConfirmed) open?.confirm();
      const unconfirmed = isConfirmed ? undefined : open;
      if (!unconfirmed) this.#confirmed = read;
      const reported = this.#reported;
      this.#reported = read;
      const isNew = (pointer: string) => !isDeepStrictEqual(read.written.get(pointer), reported.written.get(pointer));
      const settings = unconfirmed?.settings.filter(isNew) ?? [];
      const { config: next } = unconfirmed?.refused ?? read;
      this.#watch?.watch(this.#filesOf(read));
      await host.apply(next);
      const facts = [...differences(before.mcpServers, next.mcpServers), ...changedSections(before, host.config, next)];
      const text = `${read.file}: ${facts.join("; ") || "nothing has changed"}`;
      const waiting = [
        ...(unconfirmed?.servers.length
          ? [`not started until you confirm them: ${unconfirmed.servers.map(nameOf).join(", ")}`]
          : []),
        ...(settings.length > 0 ? [`without effect until you confirm them: ${settings.map(keyPath).join(", ")}`] : []),
      ];
      if (!unconfirmed || waiting.length === 0) return { level: "info", text };
      const advice = `restart the host and answer its question, or pass --trust-project or --config ${unconfirmed.file}`;
      return { level: "warn", text: `${[text, ...waiting].join("; ")} (${advice})` };
    } catch (error) {
      const problem = error instanceof ConfigError ? error.message : String(error);
      return { level: "warn", text: `nothing changes, because the configuration is broken: ${problem}` };
    }
  }
}

/** Returns the contents that the files have after the change, undefined if it began from others. */
function withChange(before: FileTexts, { target: { path, text: old }, text }: ChangedFile): FileTexts | undefined {
  return (before.get(path) ?? "") === old ? new Map([...before, [path, text]]) : undefined;
}

const nameOf = ({ name }: ServerConfig) => name;

function differences(before: readonly ServerConfig[], after: readonly ServerConfig[]): string[] {
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

/** Sections of the configuration, keyed by the name that the report uses. Servers are compared separately. */
const sections = {
  llm: ({ llm }: Config) => llm,
  "chat.service": ({ chat }: Config) => chat.service,
  "chat.limits": ({ chat }: Config) => chat.limits,
  "chat.storage": ({ chat }: Config) => chat.storage,
  telemetry: ({ telemetry }: Config) => telemetry,
  serve: ({ serve }: Config) => serve,
  "mcp.serve": ({ mcpServe }: Config) => mcpServe,
  logging: ({ logging }: Config) => logging,
};

/**
 * Returns up to two texts: which sections have changed, and which change only when the host starts anew. `wanted` is the configuration of
 * the files; `after` is the configuration that the host uses now.
 */
function changedSections(before: Config, after: Config, wanted: Config): string[] {
  const names = (differ: (of: (config: Config) => unknown) => boolean) =>
    Object.entries(sections).flatMap(([name, of]) => (differ(of) ? [name] : []));
  const changed = names((of) => !isDeepStrictEqual(of(before), of(after)));
  const fixed = names((of) => !isDeepStrictEqual(of(after), of(wanted)));
  return [
    ...(changed.length > 0 ? [`changed ${changed.join(", ")}, from the next turn on`] : []),
    ...(fixed.length > 0
      ? [`${fixed.join(", ")} ${fixed.length > 1 ? "stay" : "stays"} as before until the host restarts`]
      : []),
  ];
}
