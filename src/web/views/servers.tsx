import { useSignal } from "@preact/signals";
import { elapsedText } from "../../core/text/durations.js";
import type { Api } from "../api/host-client.js";
import type { ServerEntry, Tool } from "../api/host-messages.js";
import { Alert } from "../markdown/alert.js";
import { CodeBlock } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { counted, shownCount } from "../shared/format-text.js";
import { type Loaded, useLoaded } from "./use-loaded.js";

const everyMs = 3_000;

interface Seen {
  servers: ServerEntry[];
  tools: Tool[];
}

export function ServersView({ api }: { api: Api }) {
  const seen = useLoaded<Seen>(async () => {
    const [servers, tools] = await Promise.all([api.servers(), api.tools()]);
    return { servers, tools };
  }, everyMs);
  const { servers = [], tools = [] } = seen.value.value ?? {};
  const tokens = tools.reduce((sum, tool) => sum + tool.tokens, 0);
  return (
    <section class="page">
      <header class="title">
        <h1>Servers</h1>
        {tools.length > 0 && (
          <p class="quiet small">
            {counted(tools.length, "tool")}, about {shownCount(tokens)} tokens in every request
          </p>
        )}
      </header>
      <Alert text={seen.failure.value} />
      {seen.value.value && servers.length === 0 && (
        <p class="quiet">
          There are none. Name some under <code>mcpServers</code> in config.yaml.
        </p>
      )}
      <ul class="plain-list">
        {servers.map((server) => (
          <li key={server.name}>
            <ServerCard
              server={server}
              tools={tools.filter((tool) => tool.server === server.name)}
              api={api}
              seen={seen}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}

const states: Record<ServerEntry["state"], string> = {
  starting: "starting",
  ready: "ready",
  degraded: "degraded",
  needs_auth: "needs a login",
  failed: "failed",
  disabled: "disabled",
};

const eras = { legacy: "protocol up to 2025-11-25", modern: "protocol 2026-07-28" };

interface ServerCardProps {
  server: ServerEntry;
  tools: readonly Tool[];
  api: Api;
  seen: Loaded<Seen>;
}

function ServerCard({ server, tools, api, seen }: ServerCardProps) {
  const { name, state, reason, transport, version, era, start_ms, latency_ms, prompts, resources } = server;
  const page = useSignal<string | undefined>(undefined);
  const facts = [
    transport,
    version && `version ${version}`,
    era && eras[era],
    start_ms !== null && `started in ${elapsedText(start_ms)}`,
    latency_ms !== null && `answers in ${elapsedText(latency_ms)}`,
    prompts > 0 && counted(prompts, "prompt"),
    resources > 0 && counted(resources, "resource"),
  ].filter(Boolean);
  const login = () =>
    seen.act(async () => {
      const { url } = await api.login(name);
      page.value = url ?? undefined;
    });
  return (
    <article class="card server" aria-label={visibleText(name)}>
      <header>
        <h2>{visibleText(name)}</h2>
        <span class={`state ${state}`}>{states[state]}</span>
        <div class="buttons">
          {state === "needs_auth" && (
            <button type="button" class="main" onClick={() => void login()}>
              Log in
            </button>
          )}
          {state !== "disabled" && (
            <button type="button" onClick={() => void seen.act(() => api.reconnect(name))}>
              Reconnect
            </button>
          )}
        </div>
      </header>
      <p class="small quiet">{visibleText(facts.join(" · "))}</p>
      {state === "needs_auth" && page.value && (
        <p>
          <a href={page.value} target="_blank" rel="noopener noreferrer">
            Open the page to log in
          </a>
        </p>
      )}
      {reason && <p class={`reason small ${state === "ready" ? "quiet" : "bad"}`}>{visibleText(reason)}</p>}
      {tools.length > 0 && <Tools tools={tools} />}
      {transport === "stdio" && state !== "disabled" && <Stderr name={name} api={api} />}
    </article>
  );
}

function Tools({ tools }: { tools: readonly Tool[] }) {
  const tokens = tools.reduce((sum, tool) => sum + tool.tokens, 0);
  return (
    <details>
      <summary>
        {counted(tools.length, "tool")} <span class="quiet small">about {shownCount(tokens)} tokens</span>
      </summary>
      <ul class="tools">
        {tools.map((tool) => (
          <li key={tool.name}>
            <code>{visibleText(tool.tool)}</code>
            <span class="small quiet">{shownCount(tool.tokens)}</span>
            <p class="small quiet">{visibleText(tool.description)}</p>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Stderr({ name, api }: { name: string; api: Api }) {
  const text = useSignal<string | undefined>(undefined);
  const show = async () => {
    text.value = await api.stderr(name).catch(() => "");
  };
  return (
    <details onToggle={({ currentTarget }) => currentTarget.open && void show()}>
      <summary>What it has written on stderr</summary>
      {text.value ? (
        <CodeBlock language="stderr" text={visibleText(text.value)} />
      ) : (
        <p class="small quiet">{text.value === undefined ? "…" : "Nothing so far."}</p>
      )}
    </details>
  );
}
