import { asObjects, asText, type JsonObject } from "../../json.js";
import { isSaid, type ProviderError, providerError } from "../shared/provider-error.js";

/** The error inside a message of a 200 answer, if it is one. */
export function errorIn(message: JsonObject, event: string | undefined): ProviderError | undefined {
  const choice = asObjects(message.choices)[0];
  if (isSaid(message.error) || isSaid(message.errors)) return providerError(message);
  if (choice && isSaid(choice.error)) return providerError(choice);
  if (event === "error" || message.object === "error" || message.type === "error") return providerError(message);
  if (message.status === "failure" || message.status === "error") return providerError(message);
  const reason = asText(choice?.finish_reason) ?? asText(choice?.finishReason) ?? "";
  return BROKEN_OFF.test(reason) ? providerError(`the model's answer ended with "${reason}"`) : undefined;
}

/** Reasons to finish that are failures: vLLM's and SGLang's, DeepSeek's, Z.ai's, Gemini's. What was said before is no whole answer. */
const BROKEN_OFF =
  /^(error|abort(ed)?|network_error|insufficient_system_resource)$|malformed_function_call|unexpected_tool_call/i;
