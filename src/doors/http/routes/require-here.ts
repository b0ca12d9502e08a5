import { isLoopback } from "../../../core/text/networks.js";
import type { ApiCall } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";

/**
 * Throws ApiError with the message if the caller is on another machine. A proxy on this machine is refused too, since it may pass on
 * requests of other machines.
 */
export function requireHere({ address, header }: ApiCall, message: string): void {
  const isPassedOn = ["forwarded", "x-forwarded-for", "x-real-ip", "via"].some((name) => header(name) !== undefined);
  if (isLoopback(address) && !isPassedOn) return;
  throw new ApiError(403, "not_local", message);
}
