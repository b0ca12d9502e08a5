/** Calls about the setup of the host: models, servers and what they offer, and the settings. */
import type { Api } from "./host-client.js";
import type { NamedModel, ShownPart } from "./host-messages.js";

export interface OfferedModel extends NamedModel {
  provider: string;
  model: string;
  context_window: number | null;
  /** USD per million tokens. Null if unknown. */
  input_price: number | null;
  output_price: number | null;
  is_default: boolean;
}

export interface PromptEntry {
  name: string;
  server: string;
  description: string;
  arguments: readonly { name: string; description: string; required: boolean }[];
}

export interface ListedResources {
  resources: readonly { uri: string; server: string; name: string; description: string }[];
  templates: readonly { uri_template: string; server: string }[];
}

/** Entry of a server under `mcpServers`. Its secrets are `***`. */
type ServerConfig = Record<string, unknown>;

export interface NamedServer {
  name: string;
  entry: ServerConfig;
  /** Notes for a person about the entry. */
  notes: readonly string[];
}

/** A server that another program of the host's machine has. */
export interface FoundServer extends NamedServer {
  /** Id of the program, and its name for people. */
  program: string;
  title: string;
  /** True if the file lies in the host's working directory. Anybody may have written such a file. */
  of_folder: boolean;
  /** True if this host has a server of this name. */
  taken: boolean;
}

export async function listModels(
  api: Api,
): Promise<{ models: OfferedModel[]; problems: { provider: string; message: string }[] }> {
  return api.json("/api/models");
}

export async function listPrompts(api: Api): Promise<PromptEntry[]> {
  return (await api.json<{ prompts: PromptEntry[] }>("/api/prompts")).prompts;
}

/** Resolves with the prompt as the parts of a message. */
export async function filledPrompt(
  api: Api,
  { server, name }: PromptEntry,
  values: Record<string, string>,
): Promise<ShownPart[]> {
  const path = `/api/prompts/${encodeURIComponent(server)}/${encodeURIComponent(name)}`;
  const body = { arguments: values };
  return (await api.json<{ content: ShownPart[] }>(path, { method: "POST", body })).content;
}

export async function listResources(api: Api): Promise<ListedResources> {
  return api.json("/api/resources");
}

export async function readResource(api: Api, uri: string): Promise<ShownPart[]> {
  const body = { uri };
  return (await api.json<{ content: ShownPart[] }>("/api/resources/read", { method: "POST", body })).content;
}

/** Resolves with the values that a server proposes for an argument of a prompt, or for a variable of a URI template. */
export async function proposedValues(
  api: Api,
  of: { prompt: string } | { template: string },
  { argument, value }: { argument: string; value: string },
): Promise<string[]> {
  const body = { ...of, argument, value };
  return (await api.json<{ values: string[] }>("/api/complete", { method: "POST", body })).values;
}

/** Resolves with the servers of other programs that this host does not have. */
export async function listFound(api: Api): Promise<FoundServer[]> {
  const { found } = await api.json<{ found: FoundServer[] }>("/api/servers/import");
  return found.filter(({ taken }) => !taken);
}

/** Resolves with the outcome of each server, and with notices for the person. */
export async function importServers(api: Api, chosen: readonly FoundServer[]): Promise<string[]> {
  const names = chosen.map(({ program, name }) => ({ program, name }));
  const { servers, notices } = await api.json<{
    servers: { name: string; outcome: string; reason: string | null; notes: string[] }[];
    notices: string[];
  }>("/api/servers/import", { method: "POST", body: { names } });
  const outcomes = servers.map(({ name, outcome, reason, notes }) =>
    [`${name}: ${[outcome, reason].filter(Boolean).join(", ")}.`, ...notes].join(" "),
  );
  return [...outcomes, ...notices];
}

export type SettingValue = string | number | null;

export interface ShownSettings {
  /** The configuration file that changes go to. */
  file: string;
  values: Readonly<Record<string, SettingValue>>;
  editable: boolean;
}

export async function loadSettings(api: Api): Promise<ShownSettings> {
  return api.json("/api/settings");
}

/** Writes settings to the configuration file and applies them. Null takes a setting out of the file. */
export async function changeSettings(api: Api, values: Record<string, SettingValue>): Promise<{ notices: string[] }> {
  return api.json("/api/settings", { method: "PATCH", body: { values } });
}

/** A remembered answer to the question whether a tool may run. */
export interface KeptApproval {
  id: string;
  server: string;
  tool: string;
  allow: boolean;
  /** The folder in which the answer holds. Null if it holds everywhere. */
  workspace: string | null;
  answered_at: number;
}

export async function listApprovals(api: Api): Promise<KeptApproval[]> {
  return (await api.json<{ approvals: KeptApproval[] }>("/api/approvals")).approvals;
}

export async function takeBackApproval(api: Api, id: string): Promise<void> {
  await api.response(`/api/approvals/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function exportEverything(api: Api): Promise<Blob> {
  return (await api.response("/api/export")).blob();
}

/** Deletes all conversations for good. Resolves with the number of those that stay because a turn of them has not ended. */
export async function deleteEverything(api: Api): Promise<number> {
  const body = { confirm: "delete everything" };
  return (await api.json<{ busy: string[] }>("/api/sessions", { method: "DELETE", body })).busy.length;
}
