import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Api } from "../api/host-client.js";
import type { ServerEntry, Tool } from "../api/host-messages.js";
import {
  type FoundServer,
  importServers,
  listFound,
  listModels,
  listPrompts,
  type OfferedModel,
  type PromptEntry,
} from "../api/host-setup.js";
import { useAttempts } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { counted, modelFacts } from "../shared/format-text.js";
import { linkTo } from "../shared/page-address.js";

/** Servers that are named. The others are counted. */
const mostNamed = 8;
const mostIdeas = 3;

interface Setup {
  model?: OfferedModel | undefined;
  servers?: readonly ServerEntry[];
  tools: readonly Tool[];
  prompts: readonly PromptEntry[];
  found: readonly FoundServer[];
}

/** A new chat before its first message: which model answers, which servers are connected, and what to try with them. */
export function StartScreen({ api }: { api: Api }) {
  const setup = useSignal<Setup>({ tools: [], prompts: [], found: [] });
  const { failure, attempt } = useAttempts();
  const load = () => {
    const put = (part: Partial<Setup>) => {
      setup.value = { ...setup.value, ...part };
    };
    // A part that the host does not answer is left out.
    listModels(api).then(
      ({ models }) => put({ model: models.find((model) => model.is_default) }),
      () => {},
    );
    api.tools().then(
      (tools) => put({ tools }),
      () => {},
    );
    listPrompts(api).then(
      (prompts) => put({ prompts }),
      () => {},
    );
    api.servers().then(
      (servers) => {
        put({ servers });
        if (servers.length === 0)
          listFound(api).then(
            (found) => put({ found }),
            () => {},
          );
      },
      () => {},
    );
  };
  useEffect(load, [api]);
  const { model, servers, tools, prompts, found } = setup.value;
  return (
    <div class="welcome">
      <p class="lead">What can I do for you?</p>
      {model && (
        <p class="quiet">
          {visibleText(model.model)} of {visibleText(model.provider)} answers. {modelFacts(model)}
        </p>
      )}
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
      {servers?.length === 0 && (
        <>
          <p class="quiet">No server is connected, so the model has no tools.</p>
          <div class="buttons">
            <a class="button" href={linkTo("servers", "add")}>
              Add server
            </a>
            {found.length > 0 && (
              <button
                type="button"
                onClick={() =>
                  void attempt(async () => {
                    await importServers(api, found);
                    load();
                  })
                }
              >
                Import {counted(found.length, "server")} of {[...new Set(found.map(({ title }) => title))].join(", ")}
              </button>
            )}
          </div>
        </>
      )}
      <Alert text={failure.value} />
      <ul class="ideas">
        {ideasOf(prompts, tools).map(({ title, about, message }) => (
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
