import {
  type AgentContext,
  type AvailableCommand,
  type ClientCapabilities,
  methods,
  type PromptRequest,
  type PromptResponse,
  RequestError,
  type SessionUpdate,
} from "@agentclientprotocol/sdk";
import { type ContentPart, textOf } from "../../core/messages.js";
import type { ToolHub } from "../../core/ports.js";
import { isSlashCommand, runSlashCommand, slashCommands } from "../../session/commands/commands.js";
import type { Session } from "../../session/session.js";
import type { AcpParts } from "./acp-parts.js";
import { AcpTurns } from "./acp-turns.js";
import { type Choice, configOptions, type ModeId, modeOf, modeState } from "./choices.js";
import { textBlock, toParts } from "./content.js";
import { requestIdIn } from "./request-id.js";
import { type ShownUsage, UpdateEncoder } from "./session-updates.js";

interface AcpSessionParts {
  host: AcpParts;
  client: AgentContext;
  capabilities: ClientCapabilities;
  session: Session;
}

/** An ACP session: a conversation, the mode and the model that the user of the session chose, and the client that receives the turns. */
export class AcpSession {
  readonly #parts: AcpSessionParts;
  readonly #prompts = new Set<AbortController>();
  readonly turns: AcpTurns;
  #hub: ToolHub;
  readonly #account: ShownUsage = { usd: 0 };
  /** Undefined until the user of the session chooses a mode: the approval mode of the configuration then applies, with its rules. */
  #chosenMode: ModeId | undefined;
  #shownMode: ModeId;
  #model: string | undefined;
  /** The title that the client knows. Null until the first prompt, undefined if it knows the one of the list. */
  #title: string | null | undefined;

  constructor(parts: AcpSessionParts, hub: ToolHub, { isTitled }: { isTitled: boolean }) {
    this.#parts = parts;
    this.#hub = hub;
    this.turns = new AcpTurns({
      ...parts,
      encoderFor: (turnId, shown) => this.#encoder(turnId, shown),
      tell: (updates) => this.#tell(updates),
    });
    this.#shownMode = this.#mode;
    this.#title = isTitled ? undefined : null;
  }

  get choices() {
    const { host } = this.#parts;
    const choice: Choice = { mode: this.#mode, model: this.#modelName(), models: host.models() };
    return { modes: modeState(choice), configOptions: configOptions(choice) };
  }

  /** Uses these servers from now on, because the client has opened the session again. A running turn keeps the servers that it began with. */
  useHub(hub: ToolHub): void {
    this.#hub = hub;
  }

  async prompt(
    { prompt: blocks, _meta }: Pick<PromptRequest, "prompt" | "_meta">,
    signal: AbortSignal,
  ): Promise<PromptResponse> {
    const content = toParts(blocks);
    const requestId = requestIdIn(_meta) ?? this.#parts.host.newId("req");
    if (content.length === 0) throw RequestError.invalidParams(undefined, "the prompt is empty");
    const cancelled = new AbortController();
    const cancel = () => cancelled.abort();
    signal.addEventListener("abort", cancel);
    this.#prompts.add(cancelled);
    try {
      const prompt = await this.#commanded(content, cancelled.signal).catch((error: unknown) => {
        if (!cancelled.signal.aborted) throw error;
      });
      if (cancelled.signal.aborted) return { stopReason: "cancelled" };
      return { stopReason: prompt ? await this.#run(requestId, prompt, cancelled.signal) : "end_turn" };
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#prompts.delete(cancelled);
    }
  }

  cancelPrompts(): void {
    for (const prompt of this.#prompts) prompt.abort();
  }

  /** Cancels all running and waiting turns of the conversation. */
  cancel(): void {
    this.cancelPrompts();
    this.#parts.session.cancel();
  }

  tellCommands(): Promise<void> {
    return this.#tell([{ sessionUpdate: "available_commands_update", availableCommands }]);
  }

  /** Shows a message of this host, which is not in the log. */
  say(text: string): Promise<void> {
    const messageId = this.#parts.host.newId("msg");
    return this.#tell([{ sessionUpdate: "agent_message_chunk", content: textBlock(text), messageId }]);
  }

  /** Tells the client the title of the conversation if it knows another one. */
  async showTitle(title: string): Promise<void> {
    const isNews = title !== "" && title !== this.#title && this.#title !== undefined;
    this.#title = title;
    if (isNews) await this.#tell([{ sessionUpdate: "session_info_update", title }]);
  }

  async setMode(id: string): Promise<void> {
    this.#chooseMode(id);
    await this.#tell([{ sessionUpdate: "config_option_update", configOptions: this.choices.configOptions }]);
  }

  /** Throws RequestError for an unknown option, LlmError for an unusable model. */
  async setOption(id: string, value: string): Promise<void> {
    if (id === "mode") {
      this.#chooseMode(value);
      await this.#tell([{ sessionUpdate: "current_mode_update", currentModeId: this.#mode }]);
    } else if (id === "model") {
      this.#parts.host.resolveModel(value);
      this.#model = value;
    } else throw RequestError.invalidParams(undefined, `there is no option "${id}"`);
  }

  async #run(requestId: string, content: ContentPart[], signal: AbortSignal): Promise<PromptResponse["stopReason"]> {
    const { session } = this.#parts;
    let cancelling: Promise<boolean> | undefined;
    signal.addEventListener("abort", () => {
      cancelling = session.control.cancelAnywhere(requestId);
      cancelling.catch(() => {}); // awaited below if the turn fails; if it ends, its end counts
    });
    try {
      await session.abandoned.requireModel(this.#model);
      const options = { model: this.#model, approval: this.#chosenMode, isTitled: true };
      const turn = await session.submit({ requestId, content, ...options });
      await this.#showMode();
      if (this.#title === null) await this.showTitle(firstWords(content));
      return await this.turns.answer(turn);
    } catch (error) {
      if (!cancelling) throw error;
      await cancelling; // the turn may not have ended, but the log has the cancellation
      return "cancelled";
    }
  }

  get #mode(): ModeId {
    return this.#chosenMode ?? this.#parts.host.approval();
  }

  #chooseMode(id: string): void {
    this.#chosenMode = modeOf(id);
    this.#shownMode = this.#chosenMode;
    if (this.#chosenMode === "ask") this.#parts.session.withdrawAuto();
  }

  /** Tells the client the mode if a reload of the configuration has changed it. */
  async #showMode(): Promise<void> {
    if (this.#shownMode === this.#mode) return;
    this.#shownMode = this.#mode;
    await this.#tell([
      { sessionUpdate: "current_mode_update", currentModeId: this.#mode },
      { sessionUpdate: "config_option_update", configOptions: this.choices.configOptions },
    ]);
  }

  /**
   * Runs a slash command. Returns the prompt to submit: `prompt` if it is not a command, or the prompt that the command produced. Returns
   * undefined if the command's output was sent to the client and nothing is left to submit.
   */
  async #commanded(prompt: ContentPart[], signal: AbortSignal): Promise<ContentPart[] | undefined> {
    const line = textOf(prompt).trim();
    if (prompt[0]?.type !== "text" || !isCommand(line)) return prompt;
    const { session, host } = this.#parts;
    const hub = this.#hub;
    const { sessions, resolveModel, reload } = host;
    await hub.settled(signal).catch(() => {}); // waits for the servers, so that the command lists all available tools
    const scope = { hub, session, sessions, resolveModel, reload, model: this.#model, commands, signal };
    const outcome = await runSlashCommand(line, scope);
    switch (outcome.type) {
      case "prompt":
        return outcome.content;
      case "text":
        return this.#sayText(outcome.text);
      case "model":
        await this.setOption("model", outcome.model);
        await this.#tell([{ sessionUpdate: "config_option_update", configOptions: this.choices.configOptions }]);
        return this.#sayText(this.#modelName() ?? "");
      case "clear":
      case "resume":
      case "save":
      case "exit":
        throw RequestError.invalidParams(undefined, `${line} is for the terminal: use what the editor has for it`);
      default:
        return outcome satisfies never;
    }
  }

  /** Shows a text in which line ends and columns count. */
  async #sayText(text: string): Promise<undefined> {
    await this.say(`\`\`\`text\n${text}\n\`\`\``);
  }

  #encoder(turnId: string, { showsPrompt }: { showsPrompt: boolean }): UpdateEncoder {
    const { host } = this.#parts;
    const hub = this.#hub;
    return new UpdateEncoder({
      turnId,
      tool: (name) => hub.tools().find((tool) => tool.name === name),
      contextWindow: host.contextWindow(this.#model),
      account: this.#account,
      showsPrompt,
    });
  }

  #modelName(): string | undefined {
    try {
      const { provider, model } = this.#parts.host.resolveModel(this.#model);
      return `${provider}/${model}`;
    } catch {
      return undefined;
    }
  }

  async #tell(updates: readonly SessionUpdate[]): Promise<void> {
    const { client, session } = this.#parts;
    for (const update of updates) await client.notify(methods.client.session.update, { sessionId: session.id, update });
  }
}

/** Slash commands that ACP clients are not offered, because these clients have their own. */
const clients = new Set(["exit", "clear", "resume", "export", "permissions"]);
const commands = slashCommands.filter(({ name }) => !clients.has(name));

const availableCommands: AvailableCommand[] = commands.map(({ name, parameters, description }) => ({
  name,
  description,
  ...(parameters && { input: { hint: parameters } }),
}));

/** Returns true for a known command such as `/tools`. Any other text that begins with a slash, such as `/usr/bin is empty`, is a prompt. */
function isCommand(text: string): boolean {
  const name = /^\/(\S+)/.exec(text)?.[1];
  return isSlashCommand(text) && commands.some((command) => command.name === name);
}

/** Returns the title that the log gives to a conversation with this first message. */
function firstWords(content: readonly ContentPart[]): string {
  return content.find((part) => part.type === "text")?.text.slice(0, 80) ?? "";
}
