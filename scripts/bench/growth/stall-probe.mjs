/** Code that is loaded into a host. It answers each message with the longest stall of the event loop since the message before, in ms. */
import { watchStalls } from "./stalls.mjs";

const longestStall = watchStalls();
process.on("message", async () => process.send(await longestStall()));
process.channel.unref();
