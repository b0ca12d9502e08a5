import { isAbsolute } from "node:path";
import {
  type AgentContext,
  type ClientCapabilities,
  type ListSessionsRequest,
  type ListSessionsResponse,
  type McpServer,
  RequestError,
} from "@agentclientprotocol/sdk";
import type { SessionHub } from "../../core/ports.js";
import { clientServersPrefix } from "../../core/turn-leases.js";
import type { Session } from "../../session/session.js";
import type { LiveTurn } from "../../session/turns/live-turn.js";
import { turnsElsewhereNote } from "../shared/turn-lines.js";
import type { AcpParts } from "./acp-parts.js";
import { AcpSession } from "./acp-session.js";

interface SessionFolder {
  cwd: string;
  mcpServers?: readonly McpServer[] | null;
}

interface Active {
  shown: AcpSession;
  /** Set if the client has brought its own servers. */
  hub?: SessionHub;
  release: () => void;
}

const pageSize = 100;

export class AcpSessions {
  readonly #parts: AcpParts;
  readonly #client: () => AgentContext;
  readonly #active = new Map<string, Active>();
  /** Turns of dead hosts that this host has resumed, by conversation id. */
  readonly #resumed = new Map<string, Set<LiveTurn>>();
  /** Ids of the sessions that are being loaded. `load` shows their resumed turns once it has shown the log. */
  readonly #loading = new Set<string>();
  /** Servers of sessions that the client has opened again with others. They end when the turns that run with them are over. */
  readonly #replaced = new Set<SessionHub>();
  readonly #closed = new AbortController();
  #isWatching = false;
  #isClientGone = false;
  capabilities: ClientCapabilities = {};

  constructor(parts: AcpParts, client: () => AgentContext) {
    this.#parts = parts;
    this.#client = client;
    parts.sessions.onResumed((turn, session) => this.#remember(turn, session));
  }

  /** Throws RequestError for an unknown session. */
  get(sessionId: string): AcpSession {
    const session = this.find(sessionId);
    if (session) return session;
    throw RequestError.sessionNotFound(sessionId);
  }

  find(sessionId: string): AcpSession | undefined {
    return this.#active.get(sessionId)?.shown;
  }

  /** Ids of the open sessions, which are conversations. */
  get ids(): string[] {
    return [...this.#active.keys()];
  }

  async create(folder: SessionFolder) {
    const session = this.#parts.sessions.open();
    const { shown } = await this.#open(session, folder, { isTitled: false });
    return { sessionId: session.id, ...shown.choices };
  }

  /**
   * Opens a conversation of the log. Resumes the turns in it that a dead host left unfinished. Turns that run on another host are not shown
   * until they are in the log: who shows a turn takes it over when its host dies, and this host may have other servers.
   */
  async load({ sessionId, ...folder }: SessionFolder & { sessionId: string }, { replay }: { replay: boolean }) {
    const session = this.#parts.sessions.open(sessionId);
    const before = await session.history();
    if (before.length === 0 && !this.#active.has(sessionId)) throw RequestError.sessionNotFound(sessionId);
    this.#loading.add(sessionId);
    try {
      const { shown } = await this.#open(session, folder, { isTitled: true });
      await session.abandoned.takeOverAll();
      const running = [...this.#resumedIn(sessionId), ...shown.turns.followed];
      if (replay) await shown.turns.replay(await session.history(), running);
      if (await session.hasTurnsElsewhere()) await shown.say(`(${turnsElsewhereNote})`);
      for (const turn of [...running, ...this.#resumedIn(sessionId)]) follow(shown, turn, { showsPrompt: replay });
      return shown.choices;
    } finally {
      this.#loading.delete(sessionId);
    }
  }

  /**
   * Lists the conversations of the log, including those that began outside ACP. The latest comes first. A page leaves out conversations
   * without a folder, such as copies that have not gone on, so it may be shorter than the page size although another page follows.
   */
  async list({ cwd, cursor }: ListSessionsRequest): Promise<ListSessionsResponse> {
    const workspaces = cwd ? [cwd, `${clientServersPrefix}${cwd}`] : undefined;
    const after = Number.parseInt(cursor ?? "", 10) || undefined;
    const { conversations, next } = await this.#parts.sessions.list({ most: pageSize, workspaces, after });
    const known = conversations.map((each) => ({ ...each, folder: folderOf(each.workspace) }));
    const wanted = known.filter(({ folder }) => isAbsolute(folder));
    const sessions = wanted.map(({ conversationId, folder, title, updatedAt }) => ({
      sessionId: conversationId,
      cwd: folder,
      ...(title && { title }),
      updatedAt: new Date(updatedAt).toISOString(),
    }));
    return { sessions, ...(next !== undefined && { nextCursor: String(next) }) };
  }

  /** Cancels the session's turns and closes the servers that the client brought. The conversation stays in the log. */
  async end(sessionId: string): Promise<Record<string, never>> {
    const active = this.#active.get(sessionId);
    if (!active) throw RequestError.sessionNotFound(sessionId);
    this.#active.delete(sessionId);
    active.shown.cancel();
    await this.#parts.sessions.open(sessionId).turns.idle();
    active.release();
    await active.hub?.close();
    return {};
  }

  cancelAll(): void {
    for (const { shown } of this.#active.values()) shown.cancelPrompts();
  }

  /** Denies the questions of the client's prompts. Called when the client has disconnected. */
  leave(): void {
    this.#isClientGone = true;
    for (const { shown } of this.#active.values()) shown.turns.leave();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const { release } of this.#active.values()) release();
    const hubs = [...this.#active.values()].map(({ hub }) => hub);
    await Promise.all([...hubs, ...this.#replaced].map((hub) => hub?.close()));
  }

  async #open(
    session: Session,
    { cwd, mcpServers }: SessionFolder,
    { isTitled }: { isTitled: boolean },
  ): Promise<Active> {
    if (!isAbsolute(cwd)) throw RequestError.invalidParams(undefined, "cwd is not an absolute path");
    const { extendHub, hub: hostHub } = this.#parts;
    const taken = hostHub.servers().map(({ name }) => name);
    const own = mcpServers && mcpServers.length > 0 ? serversOf(mcpServers, cwd, taken) : undefined;
    const hub = own && extendHub(own, session);
    const where = hub ? { workspace: `${clientServersPrefix}${cwd}` } : { folder: cwd };
    session.equip({ hub: hub ?? hostHub, project: cwd, ...where });
    const before = this.#active.get(session.id);
    const parts = {
      host: this.#parts,
      client: this.#client(),
      capabilities: this.capabilities,
      session,
    };
    const shown = before?.shown ?? new AcpSession(parts, hub ?? hostHub, { isTitled });
    shown.useHub(hub ?? hostHub);
    const active = { shown, hub, release: before?.release ?? session.hold() };
    if (this.#isClientGone) shown.turns.leave();
    this.#active.set(session.id, active);
    if (this.#active.size === 1) void this.#showTitles().catch(() => {}); // a log that cannot be read is told by the next prompt
    if (before?.hub) this.#endWhenIdle(before.hub, session);
    // Sent later, because the client first needs the response that contains the session's id.
    setImmediate(() => void active.shown.tellCommands().catch(() => {}));
    return active;
  }

  /** Tells the client the titles of its sessions as they change: by the model, or by hand through any front door. */
  async #showTitles(): Promise<void> {
    if (this.#isWatching) return;
    this.#isWatching = true;
    for await (const change of this.#parts.sessions.watchList(this.#closed.signal)) {
      if ("entry" in change) await this.find(change.entry.conversationId)?.showTitle(change.entry.title);
    }
  }

  #endWhenIdle(hub: SessionHub, session: Session): void {
    this.#replaced.add(hub);
    void session.turns.idle().then(async () => {
      await hub.close();
      this.#replaced.delete(hub);
    });
  }

  #resumedIn(sessionId: string): Set<LiveTurn> {
    return this.#resumed.get(sessionId) ?? new Set();
  }

  #remember(turn: LiveTurn, session: Session): void {
    const turns = this.#resumedIn(session.id);
    this.#resumed.set(session.id, turns.add(turn));
    const shown = this.find(session.id);
    if (shown && !this.#loading.has(session.id)) follow(shown, turn, { showsPrompt: true });
    void ended(turn).then(() => {
      turns.delete(turn);
      if (turns.size === 0) this.#resumed.delete(session.id);
    });
  }
}

/** Shows a turn that is not of a prompt. Its error is in the log and was sent to the client. */
function follow(shown: AcpSession, turn: LiveTurn, how: { showsPrompt: boolean }): void {
  shown.turns.follow(turn, how).catch(() => {});
}

async function ended(turn: LiveTurn): Promise<void> {
  try {
    for await (const _ of turn.watch());
  } catch {
    // the code that shows the turn reports the turn's error
  }
}

function folderOf(workspace: string): string {
  return workspace.startsWith(clientServersPrefix) ? workspace.slice(clientServersPrefix.length) : workspace;
}

/**
 * Converts the client's servers to entries of `mcpServers`. The servers run in the session's folder. A server whose name is in `taken` gets
 * another name, because the user's rules about that name are about another server.
 */
function serversOf(servers: readonly McpServer[], folder: string, taken: readonly string[]): Record<string, object> {
  const names = new Set(taken.map((name) => name.normalize()));
  return Object.fromEntries(
    servers.map((server) => {
      let name = server.name.normalize();
      while (names.has(name)) name += "-editor";
      names.add(name);
      return [name, { roots: [folder], ...reachedBy(server, folder) }];
    }),
  );
}

function reachedBy(server: McpServer, folder: string): object {
  if ("type" in server) return { type: server.type, url: server.url, headers: record(server.headers) };
  return { command: server.command, args: server.args, env: record(server.env), cwd: folder };
}

function record(pairs: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}
