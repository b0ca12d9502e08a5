import { type Signal, useSignal } from "@preact/signals";
import type { Api } from "../api/host-client.js";
import { keepLeftOutTools, leftOutTools } from "../api/left-out-tools.js";
import { useLoaded } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";
import { Icon } from "../shared/icon.js";

const menuId = "tool-choice";

interface ConversationToolsProps {
  api: Api;
  conversationId: string;
}

/** Button of the menu that chooses which tools the turns of a conversation offer to the model. */
export function ConversationTools({ api, conversationId }: ConversationToolsProps) {
  const leftOut = useSignal<readonly string[]>(leftOutTools(conversationId));
  const isOpen = useSignal(false);
  const isChanged = leftOut.value.length > 0;
  const name = isChanged ? "Tools, some off" : "Tools";
  return (
    <>
      <button
        type="button"
        class={`icon-button${isChanged ? " changed" : ""}`}
        popovertarget={menuId}
        aria-label={name}
      >
        <Icon name="servers" />
        <span class="label">{name}</span>
      </button>
      <div
        id={menuId}
        popover="auto"
        class="menu"
        onToggle={({ newState }) => {
          isOpen.value = newState === "open";
        }}
      >
        {isOpen.value && <ToolMenu api={api} conversationId={conversationId} leftOut={leftOut} />}
      </div>
    </>
  );
}

function ToolMenu({ api, conversationId, leftOut }: ConversationToolsProps & { leftOut: Signal<readonly string[]> }) {
  const loaded = useLoaded(() => api.tools());
  const tools = loaded.value.value ?? [];
  const choice = (name: string, label: string, isDisabled = false) => (
    <label class="check small">
      <input
        type="checkbox"
        checked={!isDisabled && !leftOut.value.includes(name)}
        disabled={isDisabled}
        onChange={({ currentTarget }) => {
          const others = leftOut.value.filter((each) => each !== name);
          leftOut.value = currentTarget.checked ? others : [...others, name];
          keepLeftOutTools(conversationId, leftOut.value);
        }}
      />
      {visibleText(label)}
    </label>
  );
  return (
    <>
      <p class="small quiet">The tools that this conversation may use. This browser keeps the choice.</p>
      <Alert text={loaded.failure.value} />
      {loaded.value.value?.length === 0 && <p class="small quiet">No server has tools.</p>}
      {[...new Set(tools.map(({ server }) => server))].map((server) => (
        <fieldset key={server}>
          <legend class="unseen">{visibleText(server)}</legend>
          {choice(`${server}__*`, server)}
          {tools
            .filter((tool) => tool.server === server)
            .map(({ name, tool }) => choice(name, tool, leftOut.value.includes(`${server}__*`)))}
        </fieldset>
      ))}
    </>
  );
}
