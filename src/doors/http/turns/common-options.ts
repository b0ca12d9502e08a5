import type { OutputFormat } from "../../../core/messages.js";
import type { ApiCall } from "../shared/api.js";
import { toolsIn } from "./call-headers.js";
import type { CallerTools } from "./caller-tools.js";
import type { ToolUse } from "./read-tool-use.js";

/** Fields that the bodies of all APIs have under the same name. */
interface CommonBody {
  model?: string | null;
  stream?: boolean | null;
  temperature?: number | null;
}

/** Fields that each API reads in its own way. */
interface ReadFields {
  toolUse: ToolUse;
  tools: CallerTools;
  output: OutputFormat | undefined;
  maxTokens: number | null | undefined;
  stopSequences?: readonly string[];
}

/**
 * Returns the options of a turn that an API call has, whatever its API. The order of the fields counts: a repeated call finds its first
 * attempt by a hash of its JSON (`ownConversation`), also after an update of the host.
 */
export function commonOptions(
  { body: anyBody, header }: ApiCall,
  plainModels: readonly string[],
  { toolUse: { withoutTools, ...toolUse }, tools, output, maxTokens, stopSequences = [] }: ReadFields,
) {
  const body = anyBody as CommonBody;
  const { model, isPlain } = askedModel(body.model, plainModels);
  return {
    ...toolUse,
    output,
    model,
    streaming: body.stream ? true : undefined,
    temperature: body.temperature ?? undefined,
    maxTokens: maxTokens ?? undefined,
    ...(stopSequences.length > 0 && { stopSequences }),
    callerTools: tools.definitions,
    withoutTools: withoutTools || isPlain,
    only: toolsIn(header),
  };
}

/** Model names that mean the configured model: `defaultModel` with the servers' tools, `plainModel` without them. */
export const defaultModel = "mcp-platform";
export const plainModel = "mcp-platform/plain";

/**
 * Returns the model for the model name in the call. `model` is undefined for the configured model. `isPlain` is true if the model gets no
 * tools of the servers.
 */
function askedModel(name: string | null | undefined, plainModels: readonly string[]) {
  const isDefault = name === defaultModel || name === plainModel;
  const isPlain = typeof name === "string" && (name === plainModel || plainModels.includes(name));
  return { model: isDefault ? undefined : (name ?? undefined), isPlain };
}
