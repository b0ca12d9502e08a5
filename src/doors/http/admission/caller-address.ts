import { isIPv4, isIPv6, type Socket } from "node:net";

/** Number of 16-bit groups of an IPv6 address that form its network (/64). A caller in a network can use every address of the network. */
const networkGroups = 4;

/** Returns the key by which limits count a caller: its IPv4 address, or the network of its IPv6 address. */
export function callerAddress({ remoteAddress = "" }: Pick<Socket, "remoteAddress">): string {
  const mapped = remoteAddress.replace(/^::ffff:/, "");
  if (isIPv4(mapped) || !isIPv6(remoteAddress)) return mapped;
  const [head = "", tail = ""] = remoteAddress.replace(/%.*/, "").split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return `${[...before, ...zeros, ...after].slice(0, networkGroups).join(":")}::/64`;
}
