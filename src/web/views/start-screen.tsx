import type { Api } from "../api/host-client.js";
import type { Tool } from "../api/host-messages.js";
import { listFound, listPrompts, type PromptEntry } from "../api/host-setup.js";
import { useLoaded } from "../api/use-loaded.js";
import type { ChatState } from "../chat/chat-state.js";
import { visibleText } from "../markdown/visible.js";
import { counted, modelFacts } from "../shared/format-text.js";
import { linkTo } from "../shared/page-address.js";
import { onDemand } from "../shared/view-on-demand.js";

const ModelForm = onDemand(async () => (await import("./model-form.js")).ModelForm);

/** Servers that are named. The others are counted. */
const mostNamed = 8;
const mostIdeas = 3;
const everyMs = 1_500;

/**
 * A new chat before its first message: which model answers, which servers are connected, and what to try with them. What the host does not
 * answer is left out.
 */
export function StartScreen({ api, state }: { api: Api; state: ChatState }) {
  const prompts = useLoaded(() => listPrompts(api)); // the host answers once its servers have settled
  const seen = useLoaded(async () => {
    const [servers, tools] = await Promise.all([api.servers(), api.tools()]);
    return { servers, tools };
  }, everyMs);
  const { servers, tools = [] } = seen.value.value ?? {};
  const model = state.models.value.find((each) => each.is_default);
  const onUsed = () => {
    document.getElementById("message")?.focus(); // the form goes
    return Promise.all([state.loadModels(), seen.reload(), prompts.reload()]);
  };
  return (
    <div class="welcome">
      <p class="lead">What can I do for you?</p>
      {model && (
        <p class="quiet">
          {model.provider === "demo"
            ? "A demo answers: it follows a few rules, and no model is behind it. For a model, write the key of a provider, or choose a server on this machine."
            : `${visibleText(model.model)} of ${visibleText(model.provider)} answers. ${modelFacts(model)}`}
        </p>
      )}
      {model?.provider === "demo" && <ModelForm api={api} onUsed={onUsed} />}
      {servers && servers.length > 0 && (
        <ul class="chips">
          {servers.slice(0, mostNamed).map(({ name, state, tools: count }) => (
            <li key={name}>
              <a class={`chip state ${state}`} href={linkTo("servers")}>
                {visibleText(name)} · {state === "ready" ? counted(count, "tool") : state.replace("_auth", " a login")}
              </a>
            </li>
          ))}
          {servers.length > mostNamed && (
            <li>
              <a class="chip" href={linkTo("servers")}>
                {servers.length - mostNamed} more
              </a>
            </li>
          )}
        </ul>
      )}
      {servers?.length === 0 && <NoServers api={api} />}
      <ul class="ideas">
        {ideasOf(prompts.value.value ?? [], tools).map(({ title, about, message }) => (
          <li key={title}>
            <button type="button" onClick={() => writeMessage(message)}>
              <strong class="name">{visibleText(title)}</strong>
              <span class="small quiet">{visibleText(about)}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Offers to add a server, or to import those that other programs of the host's machine have. */
function NoServers({ api }: { api: Api }) {
  const { value: found = [] } = useLoaded(() => listFound(api)).value;
  return (
    <>
      <p class="quiet">No server is connected, so the model has no tools.</p>
      <div class="buttons">
        <a class="button" href={linkTo("servers", "add")}>
          Add server
        </a>
        {found.length > 0 && (
          <a class="button" href={linkTo("servers", "add")}>
            Import {counted(found.length, "server")} of {[...new Set(found.map(({ title }) => title))].join(", ")}
          </a>
        )}
      </div>
    </>
  );
}

interface Idea {
  title: string;
  about: string;
  /** Begins the message, which the person completes. */
  message: string;
}

/** Returns what can be tried: prompts first, then tools, of as many servers as possible. */
function ideasOf(prompts: readonly PromptEntry[], tools: readonly Tool[]): Idea[] {
  const ideas = [
    ...prompts.map(({ name, server, description }) => ({
      server,
      title: `/${name}`,
      about: description,
      message: `/${name}`,
    })),
    ...tools.map(({ server, tool, description }) => ({
      server,
      title: `${server} · ${tool}`,
      about: description,
      message: `Use ${tool} of ${server}: `,
    })),
  ];
  const isFirst = ({ server }: { server: string }, index: number) =>
    ideas.findIndex((each) => each.server === server) === index;
  const first = ideas.filter(isFirst);
  const others = ideas.filter((idea) => !first.includes(idea));
  return [...first, ...others].slice(0, mostIdeas);
}

/** Puts the text into the message field as if the person had written it. */
function writeMessage(text: string): void {
  const field = document.getElementById("message");
  if (!(field instanceof HTMLTextAreaElement)) return;
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  field.focus();
}
