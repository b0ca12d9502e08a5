/** The prompts, resources and stderr of a server. */
import type { Api } from "../api/host-client.js";
import { listPrompts, listResources, readResource } from "../api/host-setup.js";
import { useLoaded } from "../api/use-loaded.js";
import { Parts } from "../chat/tool-card.js";
import { Alert } from "../markdown/alert.js";
import { CodeBlock } from "../markdown/code-block.js";
import { visibleText } from "../markdown/visible.js";
import { Fold } from "./fold.js";
import { serverPath } from "./server-path.js";

interface OfServer {
  server: string;
  api: Api;
}

/** The prompts and the resources of a server. A resource is read when it is unfolded. */
export function PromptsAndResources({ server, api }: OfServer) {
  const lists = useLoaded(async () => {
    const [prompts, { resources }] = await Promise.all([listPrompts(api), listResources(api)]);
    return { prompts, resources };
  });
  const { prompts = [], resources = [] } = lists.value.value ?? {};
  const isOwn = (offer: { server: string }) => offer.server === server;
  return (
    <ul class="tools">
      <Alert text={lists.failure.value} />
      {prompts.filter(isOwn).map(({ name, description, arguments: parameters }) => (
        <li key={name}>
          <code>/{visibleText(name)}</code>
          <p class="small quiet">{visibleText(description)}</p>
          {parameters.map((parameter) => (
            <p class="small">
              <code>{visibleText(parameter.name)}</code>
              {parameter.required && " (required)"} {visibleText(parameter.description)}
            </p>
          ))}
        </li>
      ))}
      {resources.filter(isOwn).map(({ uri, name, description }) => (
        <li key={uri}>
          <Fold summary={visibleText(name)}>
            {() => (
              <>
                <p class="small quiet">{visibleText(`${uri} ${description}`)}</p>
                <ReadResource uri={uri} api={api} />
              </>
            )}
          </Fold>
        </li>
      ))}
    </ul>
  );
}

function ReadResource({ uri, api }: { uri: string; api: Api }) {
  const content = useLoaded(() => readResource(api, uri));
  return (
    <>
      <Alert text={content.failure.value} />
      {content.value.value && <Parts parts={content.value.value} />}
    </>
  );
}

export function Stderr({ server, api }: OfServer) {
  const read = useLoaded(() => api.json<{ stderr: string }>(`${serverPath(server)}/stderr`));
  const { value: written } = read.value;
  if (written?.stderr) return <CodeBlock language="stderr" text={visibleText(written.stderr)} />;
  return <p class="small quiet">{written ? "Nothing so far." : read.failure.value}</p>;
}
