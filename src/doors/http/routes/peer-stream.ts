/**
 * Stream over which other hosts on the same database receive what the turns of this host write. Only these hosts know the secret that a
 * request must contain. The stream is not part of the API.
 */
import { type PeerStreams, peerStreamPath } from "../../../core/cluster-port.js";
import { hasBearer } from "../admission/gate.js";
import type { ApiRoute } from "../shared/api.js";
import { ApiError } from "../shared/api-errors.js";
import { eventStream } from "../shared/event-stream.js";

export function peerStream(
  streams: PeerStreams,
  { secret, keepAliveMs }: { secret: string; keepAliveMs: number },
): ApiRoute {
  return {
    method: "GET",
    path: peerStreamPath,
    summary: "What turns that run here write, for another host",
    run(call) {
      if (!hasBearer(call.header("authorization"), secret)) {
        throw new ApiError(401, "invalid_api_key", "this is for hosts on the same database");
      }
      const nodeId = call.query("node") ?? "";
      return eventStream(({ write, gone }) => streams.serve(nodeId, (data) => write({ data }), gone), { keepAliveMs });
    },
  };
}
