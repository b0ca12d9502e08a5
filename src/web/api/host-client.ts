import { signal } from "@preact/signals";
import type { Effort } from "../../core/messages.js";
import type { SentPart } from "../../doors/shared/sent-part.js";
import type {
  ConversationEntry,
  HostMessage,
  LastSeen,
  ServerEntry,
  StoredMessage,
  Tool,
  VersionEntry,
} from "./host-messages.js";
import { keepLeftOutTools, leftOutTools } from "./left-out-tools.js";
import { keepPageKey, onPageKeyOfOtherTab, pageKey } from "./page-key.js";

interface FailureDetails {
  /** Time after which the host asks for the next attempt, in ms. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** An error answer of the host. `status` is 0 if the host did not answer. */
export class ApiFailure extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    { retryAfterMs, cause }: FailureDetails = {},
  ) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }

  /**
   * True if the error may be temporary: the host is restarting or has too much to do, or a proxy in front of the host cannot reach the host.
   */
  get isPassing(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

interface FetchOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  /** True if the call is to be completed although the page is left. */
  keepalive?: boolean;
  signal?: AbortSignal;
  /** Token of the host, for a call that signs in. */
  token?: string;
}

export interface NewTurn {
  request_id: string;
  /** The message is either `text` or `content`. */
  text?: string | undefined;
  content?: readonly SentPart[] | undefined;
  model?: string | undefined;
  temperature?: number | undefined;
  effort?: Effort | undefined;
  system?: string | undefined;
  /** With it, the call fails with `not_found` if the conversation was deleted. Without it, the conversation then begins anew. */
  seen?: LastSeen | undefined;
}

/** Client of the host's HTTP API. Every method rejects with ApiFailure if the call fails. */
export class Api {
  /** True after the host has refused a call because this browser is not signed in. */
  readonly isRefused = signal(false);
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
    onPageKeyOfOtherTab((key) => {
      this.isRefused.value = key === undefined;
    });
  }

  /** Signs in with the token of the page's address, if there is one. Otherwise renews the sign-in, so that it does not end while it is used. */
  async begin(token: string | undefined): Promise<void> {
    try {
      if (token !== undefined) await this.signIn(token);
      else if (pageKey() !== undefined) void this.#sendSignIn({}).catch(() => {}); // the next call says what is wrong
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.isRefused.value = true;
    }
  }

  /** Exchanges the token for a cookie, which this browser keeps for all its tabs. Rejects with ApiFailure if the token is wrong. */
  async signIn(token: string): Promise<void> {
    keepPageKey((await this.#sendSignIn({ token })).page_key);
    if (!(await this.signInState()).signed_in) {
      throw new ApiFailure(0, "no_cookie", "this browser has not kept the cookie of this page: allow cookies for it");
    }
    this.isRefused.value = false;
  }

  /** Ends the sign-in of this browser, in all its tabs. */
  async signOut(): Promise<void> {
    await this.response("/api/sign-in", { method: "DELETE" });
    keepPageKey(undefined);
    this.isRefused.value = true;
  }

  /** `needs_token` is false if everybody may call the host, so that nobody has to sign in. */
  signInState(): Promise<{ signed_in: boolean; needs_token: boolean }> {
    return this.json("/api/sign-in");
  }

  #sendSignIn(options: Pick<FetchOptions, "token">): Promise<{ page_key?: string }> {
    return this.json("/api/sign-in", { method: "POST", ...options });
  }

  conversations(
    {
      q = "",
      before,
      limit = 50,
      pinned,
    }: { q?: string; before?: string | null | undefined; limit?: number; pinned?: true },
    signal?: AbortSignal,
  ): Promise<{ sessions: ConversationEntry[]; next: string | null }> {
    const given = { ...(q && { q }), ...(before && { before }), ...(pinned && { pinned: "true" }) };
    const query = new URLSearchParams({ limit: String(limit), ...given });
    return this.json(`/api/sessions?${query}`, { signal });
  }

  /** Resolves with the messages of the last stored events, or of the last ones before the event `before`. */
  async storedMessages(
    id: string,
    { before, limit }: { before?: number | undefined; limit: number },
    signal: AbortSignal,
  ): Promise<{ messages: StoredMessage[]; hasEarlier: boolean }> {
    const query = new URLSearchParams({
      limit: String(limit),
      ...(before !== undefined && { before: String(before) }),
    });
    const page = await this.json<{ messages: HostMessage[]; previous: string | null }>(`${conversation(id)}?${query}`, {
      signal,
    });
    const messages = page.messages.filter((each) => each.status === "chunk").filter((each) => each.seq !== undefined);
    return { messages, hasEarlier: page.previous !== null };
  }

  /**
   * Copies a conversation up to the last turn that had ended by the event `toSeq`; 0 copies no turn. Resolves with the id of the copy. Of a
   * conversation and its versions, lists show only the version that changed last.
   */
  async fork(id: string, { toSeq, isVersion }: { toSeq?: number; isVersion?: true } = {}): Promise<string> {
    const body = { to_seq: toSeq, is_version: isVersion };
    const answer = await this.json<{ conversation_id: string }>(`${conversation(id)}/fork`, { method: "POST", body });
    keepLeftOutTools(answer.conversation_id, leftOutTools(id));
    return answer.conversation_id;
  }

  /** Resolves with the versions of a conversation, itself included, in the order in which they were made. */
  async versions(id: string): Promise<VersionEntry[]> {
    return (await this.json<{ versions: VersionEntry[] }>(`${conversation(id)}/versions`)).versions;
  }

  /** Takes back the turns that began after the event `toSeq`. */
  rewind(id: string, toSeq: number): Promise<void> {
    return this.#none(`${conversation(id)}/rewind`, { method: "POST", body: { to_seq: toSeq } });
  }

  async exported(id: string, format: string): Promise<Blob> {
    return (await this.response(`${conversation(id)}/export?format=${format}`)).blob();
  }

  /** Changes the title or whether the conversation is pinned. The title null is the one that the host makes. */
  changeConversation(id: string, change: { title?: string | null; pinned?: boolean }): Promise<ConversationEntry> {
    return this.json(conversation(id), { method: "PATCH", body: change });
  }

  deleteConversation(id: string, { keepalive = false } = {}): Promise<void> {
    return this.#none(conversation(id), { method: "DELETE", keepalive });
  }

  /**
   * Begins a turn without the tools that the conversation leaves out. The call may be repeated, since the host runs a request id only once.
   */
  beginTurn(id: string, turn: NewTurn): Promise<{ turn_id: string }> {
    const body = { ...turn, without_tools: leftOutTools(id) };
    return this.json(`${conversation(id)}/turns`, { method: "POST", body });
  }

  answer(id: string, questionId: string, value: unknown): Promise<void> {
    return this.#none(`${conversation(id)}/answer`, { method: "POST", body: { question_id: questionId, value } });
  }

  cancel(id: string, requestId: string): Promise<void> {
    return this.#none(`${conversation(id)}/cancel`, { method: "POST", body: { request_id: requestId } });
  }

  async servers(): Promise<ServerEntry[]> {
    return (await this.json<{ servers: ServerEntry[] }>("/api/servers")).servers;
  }

  async tools(): Promise<Tool[]> {
    return (await this.json<{ tools: Tool[] }>("/api/tools")).tools;
  }

  /** Calls a route and resolves with the JSON body of its answer. The calling code must choose a type `Answer` that fits the route. */
  async json<Answer>(path: string, options: FetchOptions = {}): Promise<Answer> {
    return (await this.response(path, options)).json() as Promise<Answer>;
  }

  async response(path: string, options: FetchOptions = {}): Promise<Response> {
    const { method = "GET", body, signal, token, keepalive = false } = options;
    const key = pageKey();
    const headers = {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(token === undefined && key !== undefined && { "x-mcp-platform": key }),
      ...(body !== undefined && { "content-type": "application/json" }),
    };
    let response: Response;
    try {
      const init = { method, headers, body: JSON.stringify(body), signal, keepalive };
      response = await fetch(new URL(path, this.#origin), init);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiFailure(0, "unreachable", "the host does not answer", { cause: error });
    }
    if (response.status === 401) this.isRefused.value = true;
    if (response.ok) return response;
    throw await failureOf(response);
  }

  async #none(path: string, options: FetchOptions): Promise<void> {
    await this.response(path, options);
  }
}

async function failureOf(response: Response): Promise<ApiFailure> {
  const body = (await response.json().catch(() => ({}))) as { error?: { message?: string; code?: string } };
  const { message = `the host answered ${response.status}`, code = "unknown" } = body.error ?? {};
  const retryAfterS = Number(response.headers.get("retry-after") ?? "none");
  return new ApiFailure(response.status, code, message, {
    ...(retryAfterS >= 0 && { retryAfterMs: 1000 * retryAfterS }),
  });
}

function conversation(id: string): string {
  return `/api/sessions/${encodeURIComponent(id)}`;
}
